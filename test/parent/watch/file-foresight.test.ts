/** What is foreseen of calls on files is what the kernel then says, and of nothing else a refusal is foreseen. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { watchedNumbers, watchKinds } from '../../../src/common/watch/watched-calls.js';
import { folder, lacking, records, run, type User, users } from '../../gontainer.js';

const architecture = process.arch === 'x64' ? 'x64' : 'arm64';
const numbers = [...watchedNumbers(architecture, watchKinds)].map(
  ([number, { name }]) => `${name}=${number}`,
);

/** `file`, `folder` and what else `made` makes lie where nothing can be written, and `rw` is a tmpfs. */
const attempts = [
  ...[
    'file',
    'rw/file',
    'rw/to-file',
    'rw/to-none',
    'none',
    'rw/none',
    'to-rw-file',
    'to-rw-none',
    'folder',
    'rw',
    'foreign',
  ],
  ...['none/none', 'file/none', 'rw/up/../none', 'folder/../rw/new', 'pipe', 'rw/to-folder/none'],
].flatMap((path) =>
  [
    'O_WRONLY',
    'O_RDONLY',
    'O_RDWR|O_TRUNC',
    'O_RDONLY|O_TRUNC',
    'O_RDONLY|O_CREAT',
    'O_WRONLY|O_CREAT|O_EXCL',
    'O_WRONLY|O_NOFOLLOW',
  ]
    // Who opens a pipe would wait for the other end.
    .map((flags) => `sysopen(my $f, '${path}', ${flags}|O_NONBLOCK)`)
    .concat(
      `unlink_('${path}')`,
      `rmdir('${path}')`,
      `mkdir('${path}')`,
      `symlink('x', '${path}')`,
      `link('rw/file', '${path}')`,
      `link('file', '${path}')`,
      `link('none', '${path}')`,
      `rename('rw/file', '${path}')`,
      `rename('file', '${path}')`,
      `rename('none', '${path}')`,
      `rename('${path}', 'rw/renamed')`,
      `chmod(0755, '${path}')`,
      `utime(undef, undef, '${path}')`,
      // Of the mount and the owner older kernels look at the other first.
      ...(path === 'foreign' ? [] : [`truncate('${path}', 0)`]),
      `lchown_('${path}')`,
      `setxattr_('${path}')`,
      `mknod_('${path}')`,
      `chown_('${path}', 0)`,
    ),
);

const script = `
use Fcntl;
chdir shift;
my %n = map { split /=/ } qw(${numbers.join(' ')});
sub raw { my ($name, @args) = @_; syscall($n{$name}, @args) == 0 }
sub unlink_ { raw('unlinkat', -100, "$_[0]", 0) }
sub lchown_ { raw('fchownat', -100, "$_[0]", $<, $(+0, 0x100) }
sub chown_ { raw('fchownat', -100, "$_[0]", $<, $(+0, $_[1]) }
sub setxattr_ { my ($name, $value) = ('user.a', 'b'); raw('setxattr', "$_[0]", $name, $value, 1, 0) }
sub mknod_ { raw('mknodat', -100, "$_[0]", 010644, 0) }
sub fresh {
  system('rm -rf rw/*');
  open(my $file, '>', 'rw/file') or die $!;
  symlink('../file', 'rw/to-file'); symlink('../none', 'rw/to-none'); symlink('../folder', 'rw/to-folder');
  symlink('../folder', 'rw/up');
}
fresh;
my $number = 0;
for my $attempt (<STDIN>) {
  -e "/attempt/$number";
  $! = 0;
  my $worked = eval $attempt;
  my $errno = $worked ? 0 : $! + 0;
  die "$attempt: $@" if $@;
  print "$errno\\n";
  $number++;
  -e '/attempted';
  fresh if $worked;
}
`;

/** Where a link leads that leads nowhere is not looked for. */
const mayBeMissed = /'rw\/to-none', .*O_CREAT/;

/** Refusals, which are foreseen; all other errors are not. */
const refusals = new Map(
  (['EROFS', 'EACCES', 'EPERM'] as const).map((name) => [constants.errno[name], name] as const),
);

function made(user: User): string {
  const place = folder(user);
  const own = (path: string, { uid, gid }: Pick<User, 'uid' | 'gid'> = user): void =>
    chownSync(path, uid, gid);
  const at = (name: string): string => join(place, name);
  for (const name of ['folder', 'rw']) mkdirSync(at(name));
  for (const name of ['file', 'foreign', 'script']) writeFileSync(at(name), name === 'script' ? script : '');
  execFileSync('mkfifo', [at('pipe')]);
  for (const name of ['folder', 'rw', 'file', 'script', 'pipe']) own(at(name));
  if (process.getuid?.() === 0)
    own(
      at('foreign'),
      users.find(({ uid }) => uid !== user.uid),
    );
  chmodSync(at('foreign'), process.getuid?.() === 0 ? 0o600 : 0);
  symlinkSync('rw/file', at('to-rw-file'));
  symlinkSync('rw/none', at('to-rw-none'));
  return place;
}

for (const user of users)
  test(`${user.name}: each refusal of a call on a file is foreseen as it comes, and no other`, {
    skip: user.skip || lacking('perl'),
  }, async (t) => {
    const place = made(user);
    const log = join(folder(user), 'log');
    const words = ['--uid', '--read-only', '--tmpfs', join(place, 'rw'), '--watch=files', '--log-file', log];
    const ended = await run(['run', '--quiet', ...words, '--', 'perl', join(place, 'script'), place], {
      user,
      input: attempts.map((attempt) => `${attempt}\n`).join(''),
    });
    assert.equal(ended.status, 0, ended.stderr);
    const calls = records(log).filter(({ watched }) => watched !== undefined) as unknown as {
      readonly watched: string;
      readonly paths?: readonly string[];
      readonly refusal?: { readonly errno: string };
    }[];
    const wrong: string[] = [];
    let refused = 0;
    for (const [index, errno] of ended.stdout.trim().split('\n').map(Number).entries()) {
      const attempt = attempts[index] ?? '';
      const first = calls.findIndex(({ paths }) => paths?.[0] === `/attempt/${index}`);
      assert.notEqual(first, -1, attempt);
      const rest = calls.slice(first + 1);
      const end = rest.findIndex(({ paths }) => paths?.[0] === '/attempted');
      const own = rest.slice(0, end);
      const foreseen = own.find(({ refusal }) => refusal !== undefined)?.refusal?.errno;
      const came = refusals.get(errno);
      if (came !== undefined) refused += 1;
      if (foreseen === came || (foreseen === undefined && mayBeMissed.test(attempt))) continue;
      wrong.push(`${attempt}: foreseen ${foreseen}, and it was ${came ?? errno}`);
    }
    assert.deepEqual(wrong, []);
    t.diagnostic(`${attempts.length} calls, ${refused} of them refused`);
  });
