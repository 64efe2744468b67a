/** A virtual machine: one of Debian's kernels, a tree, and a channel by which commands are run inside. */
import { spawn } from 'node:child_process';
import { cpSync, createWriteStream, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { debuglog } from 'node:util';
import { defined } from '../../src/common/defined.js';
import { shellWord } from '../../src/common/shell-word.js';
import { textOrNone } from '../../src/common/text-or-none.js';
import { cache, digest, type Kernel, made, run } from './debian.js';
import type { Entrance, Ran } from './machine.js';
import { platforms } from './platforms.js';

export interface Virtual {
  readonly kernel: Kernel;
  /** The folder of its tree. */
  readonly tree: string;
  /** Further words of the kernel's command line. */
  readonly words?: string;
  readonly cores?: number;
  /** In MiB. */
  readonly memory?: number;
  /** Words by which a command is run by the ordinary user. */
  readonly ordinary?: readonly string[];
}

/** With NODE_DEBUG=machines each command is shown, as they take minutes. */
const debug = debuglog('machines');

const guest = join(dirname(fileURLToPath(import.meta.url)), 'guest');

/** Where what is placed on a machine is seen inside. */
const placed = '/opt/machine';

/** How long a machine may take until it answers for the first time, and then for a command. */
const bootSeconds = 300;

/** @throws Error where it does not start */
export async function booted(machine: Virtual, place: string): Promise<Entrance> {
  cpSync(guest, join(place, 'guest'), { recursive: true });
  const disk = `${place}.ext4`;
  image(place, disk);
  const platform = platforms[machine.kernel.platform];
  const log = `${disk}.console`;
  const { file, words } = platform.start({
    kernel: machine.kernel.image,
    initramfs: initramfs(machine),
    disks: [treeImage(machine.tree), disk],
    memory: machine.memory ?? 2048,
    cores: machine.cores ?? 2,
    console: log,
    words: wordsOf(machine),
  });
  const emulator = spawn(file, words, { stdio: platform.stdio });
  // Not SIGKILL: the processes of User Mode Linux are this machine's, and only it can end them.
  const end = (): void => void emulator.kill('SIGTERM');
  process.once('exit', end);
  const ended = new Promise((done) => emulator.once('close', done).once('error', done));
  const errors = createWriteStream(`${log}.stderr`);
  emulator.stderr?.pipe(errors);
  const leave = async (): Promise<void> => {
    end();
    process.off('exit', end);
    await ended;
    for (const path of [disk, log, `${log}.stderr`, `${log}.folder`])
      rmSync(path, { recursive: true, force: true });
  };
  const [questions, answered] = platform.channel.map((at) => emulator.stdio[at]) as [Writable, Readable];
  const answers = new Answers(answered);
  try {
    await answers.next(bootSeconds);
  } catch {
    const said = [log, `${log}.stderr`].map((path) => textOrNone(path).slice(-2000)).join('\n');
    await leave();
    throw new Error(`it does not start: ${said.trim().split('\n').slice(-12).join(' | ')}`);
  }
  return {
    place: placed,
    run: async (command, _options, seconds) => {
      const line = command.map(shellWord).join(' ');
      const began = Date.now();
      questions.write(`${line}\n`);
      const ran = await answers.next(seconds);
      debug('%d ms, status %d: %s', Date.now() - began, ran.status, line);
      return ran;
    },
    leave,
    ...defined({ ordinary: machine.ordinary }),
  };
}

/** What the agent of a machine answers: agent.sh says in which form. */
class Answers {
  private received = Buffer.alloc(0);
  private over = false;
  private heard = (): void => {};

  constructor(channel: Readable) {
    channel.on('data', (bytes: Buffer) => {
      this.received = Buffer.concat([this.received, bytes]);
      this.heard();
    });
    channel.on('close', () => {
      this.over = true;
      this.heard();
    });
  }

  /** @throws Error where the machine has ended, or the time is over */
  async next(seconds: number): Promise<Ran> {
    const until = Date.now() + seconds * 1000;
    for (;;) {
      const answer = this.whole();
      if (answer !== undefined) return answer;
      if (this.over) throw new Error('the machine has ended');
      const left = until - Date.now();
      if (left <= 0) throw new Error(`there was no answer within ${seconds} s`);
      await new Promise<void>((done) => {
        const timer = setTimeout(done, left);
        this.heard = () => {
          clearTimeout(timer);
          done();
        };
      });
    }
  }

  private whole(): Ran | undefined {
    const end = this.received.indexOf('\n');
    if (end < 0) return undefined;
    const [status = 0, out = 0, err = 0] = this.received.toString('latin1', 0, end).split(' ').map(Number);
    const [outAt, errAt] = [end + 1, end + 1 + out];
    if (this.received.length < errAt + err) return undefined;
    const stdout = this.received.toString('utf8', outAt, errAt);
    const stderr = this.received.toString('utf8', errAt, errAt + err);
    this.received = this.received.subarray(errAt + err);
    return { status, stdout, stderr };
  }
}

/** The kernel's command line: what the scripts in guest/ read of it begins with `machine.`. */
const wordsOf = ({ kernel, words = '' }: Virtual): string => {
  const { disks, channel } = platforms[kernel.platform].inside;
  return `quiet loglevel=4 machine.disks=${disks} machine.channel=${channel} ${words}`.trim();
};

const treeImage = (tree: string): string =>
  made(join(cache, 'images', `${basename(tree)}.ext4`), (file) => image(tree, file));

/** A file system of this folder, with some room more than its files take. */
function image(folder: string, file: string): void {
  const megabytes = Number.parseInt(run('du', '-sm', '--apparent-size', folder), 10);
  const files = run('find', folder).split('\n').length;
  rmSync(file, { force: true });
  run(
    'mke2fs',
    ...['-q', '-t', 'ext4', '-O', '^has_journal,^metadata_csum', '-m', '0', '-N', `${files + 2000}`],
    ...['-d', folder, file, `${Math.ceil(megabytes * 1.3 + files / 100 + 64)}M`],
  );
}

/** What is mounted in the beginning, and by its tests. */
const modules = ['overlay', 'loop', 'fuse', 'veth', 'tun'];

function initramfs({ kernel, tree }: Virtual): string {
  const first = join(guest, 'initramfs.sh');
  const wanted = [...platforms[kernel.platform].modules, ...modules];
  const name = `${basename(kernel.root)}-${digest(readFileSync(first), ...wanted)}.cpio.gz`;
  return made(join(cache, 'images', name), (file) => {
    const folder = `${file}.folder`;
    rmSync(folder, { recursive: true, force: true });
    for (const name of ['bin', 'modules', 'proc', 'sys', 'dev', 'mnt', 'rw'])
      mkdirSync(join(folder, name), { recursive: true });
    cpSync(join(tree, 'usr/bin/busybox'), join(folder, 'bin/busybox'));
    cpSync(first, join(folder, 'init'));
    writeFileSync(join(folder, 'modules/order'), moduleFiles(kernel, wanted, join(folder, 'modules')));
    run(
      'sh',
      '-c',
      'cd "$0" && chmod 755 init && find . | cpio --quiet -o -H newc | gzip -1 >"$1"',
      folder,
      file,
    );
    rmSync(folder, { recursive: true });
  });
}

/** Copies the modules and what they depend on, without compression. @returns their names, in the order of loading */
function moduleFiles({ root, version }: Kernel, wanted: readonly string[], folder: string): string {
  const files = wanted.flatMap((module) =>
    // Some kernels have built in what is a module in others.
    run('modprobe', '-d', root, '-S', version, '--show-depends', module)
      .split('\n')
      .filter((line) => line.startsWith('insmod '))
      .map((line) => line.split(' ')[1] ?? ''),
  );
  const names = [...new Set(files)].map((file) => {
    cpSync(file, join(folder, basename(file)));
    if (file.endsWith('.xz')) run('xz', '-d', join(folder, basename(file)));
    return basename(file, '.xz');
  });
  return `${names.join('\n')}\n`;
}
