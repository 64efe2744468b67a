/** A command that serves files itself, by FUSE, cannot have the launcher wait for it: the launcher is what it waits for. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { finished, folder, lacking, records, root, start } from '../../gontainer.js';
import { patience } from '../../until.js';

/** A file system by fuse(4), whose server makes a watched call before it says of each file that it is not there. */
const served = `
use Fcntl;
$| = 1;
my ($place) = @ARGV;
sysopen(my $fuse, '/dev/fuse', O_RDWR) or die "/dev/fuse: $!";
sub mounted {
  my ($where) = @_;
  my $options = 'fd=' . fileno($fuse) . ',rootmode=40000,user_id=0,group_id=0';
  my ($from, $to, $type, $data) = ('gontainer', "$where", 'fuse', "$options");
  syscall(MOUNT, $from, $to, $type, 0, $data) == 0 or die "mount: $!";
}
sub serve {
  while (sysread($fuse, my $request, 1 << 20)) {
    my ($length, $opcode, $unique) = unpack('LLQ', $request);
    next if $opcode == 2; # FUSE_FORGET has no answer.
    my $init = $opcode == 26 ? pack('LLLLSSL', 7, 22, 0, 0, 0, 0, 4096) : '';
    open(my $watched, '<', '/etc/passwd') or die "/etc/passwd: $!";
    syswrite($fuse, pack('LlQ', 16 + length $init, $init eq '' ? -2 : 0, $unique) . $init);
  }
}
sub own { syscall(UNSHARE, 0x20000) == 0 or die "unshare: $!" }
sub looked { open(my $file, '<', $_[0]) ? print "there\\n" : print "$!\\n" }
`;

const numbers: Record<string, readonly [mount: number, unshare: number]> = {
  x64: [165, 272],
  arm64: [40, 97],
};

/** Each ends by asking for a file that the server, a child or the parent of who asks, knows nothing of. */
const ways: readonly (readonly [title: string, script: string])[] = [
  [
    'in a mount namespace of both',
    'own; mounted($place); if (my $server = fork) { looked("$place/x"); kill 9, $server } else { serve }',
  ],
  [
    'through /proc, from a mount namespace where they are not',
    `pipe(my $in, my $out);
     if (my $server = fork) { sysread($in, my $byte, 1); looked("/proc/$server/root$place/x"); kill 9, $server }
     else { own; mounted($place); syswrite($out, 'x'); serve }`,
  ],
  [
    'while a process with another root sees no mount',
    `own; mounted($place); mkdir "/tmp/root-$$";
     if (my $server = fork) {
       if (my $other = fork) { waitpid $other, 0 } else { chroot("/tmp/root-" . getppid); open(my $none, '<', '/x'); exit }
       looked("$place/x"); kill 9, $server; rmdir "/tmp/root-$$";
     } else { serve }`,
  ],
];

const skip =
  lacking('perl') ||
  (process.getuid?.() === 0 ? (existsSync('/dev/fuse') ? false : 'needs /dev/fuse') : 'needs root');

for (const [title, script] of ways)
  test(`files served by the command, ${title}, are answered without the launcher's looking`, {
    skip,
  }, async () => {
    const place = folder();
    const [program, log] = [join(place, 'served.pl'), join(place, 'log')];
    const [mount = 0, unshare = 0] = numbers[process.arch] ?? [];
    const constants = `use constant { MOUNT => ${mount}, UNSHARE => ${unshare} };`;
    writeFileSync(program, `${constants}${served}${script}\n`);
    const words = [
      'run',
      '--quiet',
      '--uid',
      '--pid',
      '--watch=files',
      '--log-file',
      log,
      '--',
      'perl',
      program,
    ];
    const ended = await finished(start([...words, place], { user: root }), { within: patience });
    assert.equal(ended.stderr, '');
    assert.equal(ended.stdout, 'No such file or directory\n');
    assert.ok(readFileSync(log, 'utf8').includes(`${place}/x`));
    assert.equal(records(log).find(({ watch }) => watch !== undefined)?.unread ?? 0, 0);
  });
