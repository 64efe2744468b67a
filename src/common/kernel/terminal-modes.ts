/**
 * The modes and the window size of a terminal, as ioctl_tty(2) passes them. Not Node's raw mode: that one goes on turning
 * every newline of the output into two characters, and so spoils what a full-screen program draws.
 */
import { constants, numberOf, shownFlags } from './constants.js';
import { errnoName } from './errno.js';
import { KernelError } from './kernel-error.js';
import { bytes, int, invoke, pointer } from './libc.js';

/** struct termios of the kernel: four words of flags, the line discipline, and 19 control characters. */
const modesSize = 36;
const offsetOf = { c_iflag: 0, c_oflag: 4, c_cflag: 8, c_lflag: 12, c_cc: 17 };
const indexOf = { VEOF: 4, VTIME: 5, VMIN: 6 };
/** struct winsize: rows, columns, and two that nobody uses. */
const windowSizeSize = 8;

export const noModes = (): Buffer => Buffer.alloc(modesSize);
export const noWindowSize = (): Buffer => Buffer.alloc(windowSizeSize);

/** `24 rows, 80 columns`; where nobody has said, as in a rehearsal, they are 0. */
export const shownWindowSize = (size: Buffer): string =>
  size.readUInt32LE(0) === 0
    ? 'rows and columns'
    : `${size.readUInt16LE(0)} rows, ${size.readUInt16LE(2)} columns`;

/** Fills in modes that were not read yet with what the kernel gives a new terminal, as far as the log shows it. */
export function newTerminal(modes: Buffer | null): void {
  if (modes?.every((byte) => byte === 0))
    modes.writeUInt32LE(numberOf(['ICANON', 'ECHO', 'ISIG']), offsetOf.c_lflag);
}

/** What the log says of modes: whether a line is edited, shown as it is typed, and its keys are signals. */
export function shownModes(modes: Buffer): string {
  const local = modes.readUInt32LE(offsetOf.c_lflag);
  return (['ICANON', 'ECHO', 'ISIG'] as const)
    .map((name) => (local & constants[name] ? name : `-${name}`))
    .join(' ');
}

/** Whether two are alike in everything but speed and character size, which a pseudo-terminal sets as it likes. */
export const sameModes = (one: Buffer, other: Buffer): boolean =>
  [offsetOf.c_iflag, offsetOf.c_oflag, offsetOf.c_lflag].every(
    (at) => one.readUInt32LE(at) === other.readUInt32LE(at),
  );

/** These modes changed as cfmakeraw(3) does: every byte goes through as it is. */
export function rawModes(modes: Buffer): Buffer {
  const raw = Buffer.from(modes);
  clear(raw, offsetOf.c_iflag, [
    ...(['IGNBRK', 'BRKINT', 'PARMRK', 'ISTRIP', 'INLCR', 'IGNCR', 'ICRNL', 'IXON'] as const),
  ]);
  clear(raw, offsetOf.c_oflag, ['OPOST']);
  clear(raw, offsetOf.c_cflag, ['CSIZE', 'PARENB']);
  raw.writeUInt32LE(raw.readUInt32LE(offsetOf.c_cflag) | constants.CS8, offsetOf.c_cflag);
  clear(raw, offsetOf.c_lflag, ['ECHO', 'ECHONL', 'ICANON', 'ISIG', 'IEXTEN']);
  raw.writeUInt8(1, offsetOf.c_cc + indexOf.VMIN);
  raw.writeUInt8(0, offsetOf.c_cc + indexOf.VTIME);
  return raw;
}

/** These modes without showing what is typed. */
export function silentModes(modes: Buffer): Buffer {
  const silent = Buffer.from(modes);
  clear(silent, offsetOf.c_lflag, ['ECHO']);
  return silent;
}

/** The character that ends the input: Ctrl-D, unless somebody changed it. */
export const endOfInput = (modes: Buffer): Buffer =>
  modes.subarray(offsetOf.c_cc + indexOf.VEOF, offsetOf.c_cc + indexOf.VEOF + 1);

/**
 * Stops this job until it is in the foreground: tcdrain(3) may be called only there, and changes nothing (SIGTTOU). In an
 * orphaned process group, which nobody could continue, it returns at once.
 */
export const awaitForeground = (fd: number): void => {
  invoke('tcdrain', [int(fd)]);
};

/** A terminal as it is found: its modes, and the status flags of the descriptor, which every process has that inherited it. */
export interface FoundTerminal {
  readonly modes: Buffer;
  readonly flags: number;
}

/** @returns undefined where the descriptor is no terminal */
export function foundTerminal(fd: number): FoundTerminal | undefined {
  const modes = noModes();
  return ioctl(fd, constants.TCGETS, modes) ? { modes, flags: statusFlags(fd) } : undefined;
}

/** Makes a terminal again what it was found as. */
export function putBack(fd: number, { modes, flags }: FoundTerminal): void {
  setModes(fd, modes);
  if ((statusFlags(fd) ^ flags) & constants.O_NONBLOCK)
    invoke('fcntl', [int(fd), int(constants.F_SETFL), pointer(BigInt(flags))]);
}

const statusFlags = (fd: number): number =>
  invoke('fcntl', [int(fd), int(constants.F_GETFL), pointer(0n)]).value;

/**
 * Sets the modes of a terminal; after the launch, so not in its log.
 * @returns whether the kernel did
 */
export const setModes = (fd: number, modes: Buffer): boolean => ioctl(fd, constants.TCSETS, modes);

export interface WindowSize {
  readonly rows: number;
  readonly columns: number;
}

/** How large the window of a terminal is now; undefined where that is none, or nobody has said. */
export function windowSize(fd: number): WindowSize | undefined {
  const size = noWindowSize();
  if (!ioctl(fd, constants.TIOCGWINSZ, size)) return undefined;
  const [rows, columns] = [size.readUInt16LE(0), size.readUInt16LE(2)];
  return columns === 0 ? undefined : { rows, columns };
}

/** A window size as the kernel takes it. */
export function windowSizeBytes({ rows, columns }: WindowSize): Buffer {
  const size = noWindowSize();
  size.writeUInt16LE(rows, 0);
  size.writeUInt16LE(columns, 2);
  return size;
}

/** Gives a terminal this window size; after the launch, so not in its log. */
export function setWindowSize(fd: number, size: WindowSize): void {
  ioctl(fd, constants.TIOCSWINSZ, windowSizeBytes(size));
}

/** Gives one terminal the window size of another; after the launch, so not in its log. */
export function copyWindowSize(from: number, to: number): void {
  const size = noWindowSize();
  if (ioctl(from, constants.TIOCGWINSZ, size)) ioctl(to, constants.TIOCSWINSZ, size);
}

const ioctl = (fd: number, request: number, argument: Buffer): boolean =>
  invoke('ioctl', [int(fd), pointer(BigInt(request)), bytes(argument)]).value === 0;

function clear(modes: Buffer, at: number, flags: readonly (keyof typeof constants)[]): void {
  modes.writeUInt32LE((modes.readUInt32LE(at) & ~numberOf(flags)) >>> 0, at);
}

/**
 * The other end of a terminal, by its master and by no path: TIOCGPTPEER of ioctl_tty(2).
 * @throws KernelError
 */
export function openPeer(master: number): number {
  const flags = ['O_RDWR', 'O_NOCTTY', 'O_CLOEXEC'] as const;
  const passed = [int(master), pointer(BigInt(constants.TIOCGPTPEER)), int(numberOf(flags))];
  const { value, errno } = invoke('ioctl', passed);
  if (value >= 0) return value;
  const args = { fd: master, request: 'TIOCGPTPEER', argp: shownFlags(flags) };
  throw new KernelError({ step: '', call: 'ioctl', args, errno: errnoName(errno) });
}
