/** A machine of QEMU: one of Debian's kernels, a tree, and a channel by which commands are run inside. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { cpSync, createWriteStream, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { debuglog } from 'node:util';
import { defined } from '../../src/common/defined.js';
import { shellWord } from '../../src/common/shell-word.js';
import { cache, type Kernel, made, type Processor, run } from './debian.js';
import type { Entrance, Ran } from './machine.js';

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

/** Emulated throughout: where the processor could help, a machine of another processor would still not be helped. */
const emulators: Readonly<Record<Processor, { file: string; words: readonly string[]; console: string }>> = {
  amd64: { file: 'qemu-system-x86_64', words: ['-M', 'q35', '-cpu', 'max'], console: 'ttyS0' },
  arm64: {
    file: 'qemu-system-aarch64',
    // Pointer authentication by its own algorithm takes most of the time, and nothing here depends on it.
    words: ['-M', 'virt,gic-version=3', '-cpu', 'max,pauth-impdef=on,sve=off'],
    console: 'ttyAMA0',
  },
};

/** Where what is placed on a machine is seen inside. */
const placed = '/opt/machine';

/** How long a machine may take until it answers for the first time, and then for a command. */
const bootSeconds = 300;

/** @throws Error where it does not start */
export async function booted(machine: Virtual, place: string): Promise<Entrance> {
  cpSync(guest, join(place, 'guest'), { recursive: true });
  const disk = `${place}.ext4`;
  image(place, disk);
  const { file, words, console } = emulators[machine.kernel.processor];
  const log = `${disk}.console`;
  const drives = [treeImage(machine.tree), disk].flatMap((path, at) => [
    ...['-drive', `if=none,id=disk${at},format=raw,file=${path},readonly=on,cache=unsafe`],
    ...['-device', `virtio-blk-pci,drive=disk${at}`],
  ]);
  const emulator = spawn(
    file,
    [
      ...words,
      ...['-accel', 'tcg,thread=multi', '-smp', `${machine.cores ?? 2}`, '-m', `${machine.memory ?? 2048}`],
      ...['-nodefaults', '-nographic', '-no-reboot', '-serial', `file:${log}`],
      ...['-kernel', machine.kernel.image, '-initrd', initramfs(machine)],
      ...drives,
      ...['-device', 'virtio-rng-pci', '-device', 'virtio-serial-pci'],
      ...['-chardev', 'stdio,id=agent,signal=off', '-device', 'virtserialport,chardev=agent'],
      // On a busy host the timer comes so late that the kernel takes it for broken.
      ...['-append', `console=${console} quiet loglevel=4 panic=-1 no_timer_check ${machine.words ?? ''}`],
    ],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  const ended = new Promise((done) => emulator.once('close', done).once('error', done));
  const errors = createWriteStream(`${log}.qemu`);
  emulator.stderr.pipe(errors);
  const leave = async (): Promise<void> => {
    emulator.kill('SIGKILL');
    await ended;
    for (const path of [disk, log, `${log}.qemu`]) rmSync(path, { force: true });
  };
  const answers = new Answers(emulator);
  try {
    await answers.next(bootSeconds);
  } catch {
    const said = [log, `${log}.qemu`].map((path) => readFileSync(path, 'utf8').slice(-2000)).join('\n');
    await leave();
    throw new Error(`it does not start: ${said.trim().split('\n').slice(-12).join(' | ')}`);
  }
  return {
    place: placed,
    run: async (command, _options, seconds) => {
      const line = command.map(shellWord).join(' ');
      const began = Date.now();
      emulator.stdin.write(`${line}\n`);
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

  constructor({ stdout }: ChildProcessByStdio<Writable, Readable, Readable>) {
    stdout.on('data', (bytes: Buffer) => {
      this.received = Buffer.concat([this.received, bytes]);
      this.heard();
    });
    stdout.on('close', () => {
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

/** What a machine needs until it sees its disks, and what its tests mount. */
const modules = [
  ...['virtio_pci', 'virtio_blk', 'virtio_console', 'virtio_rng', 'crc32c_generic', 'ext4', 'overlay'],
  ...['loop', 'fuse', 'veth', 'tun'],
];

function initramfs({ kernel, tree }: Virtual): string {
  return made(join(cache, 'images', `${basename(kernel.root)}.cpio.gz`), (file) => {
    const folder = `${file}.folder`;
    rmSync(folder, { recursive: true, force: true });
    for (const name of ['bin', 'modules', 'proc', 'sys', 'dev', 'mnt', 'ro', 'rw'])
      mkdirSync(join(folder, name), { recursive: true });
    cpSync(join(tree, 'usr/bin/busybox'), join(folder, 'bin/busybox'));
    cpSync(join(guest, 'initramfs.sh'), join(folder, 'init'));
    writeFileSync(join(folder, 'modules/order'), moduleFiles(kernel, join(folder, 'modules')));
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
function moduleFiles({ root, version }: Kernel, folder: string): string {
  const files = modules.flatMap((module) =>
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
