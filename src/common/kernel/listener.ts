/**
 * The other end of a seccomp filter with SECCOMP_RET_USER_NOTIF: seccomp_unotify(2). Whoever holds it is told of each call
 * that the filter names, while the caller waits, and answers. These calls are made while the command runs; they are not
 * the launch's, and not in its log.
 */
import { writeSync } from 'node:fs';
import { constants as errnos } from 'node:os';
import { systemCallNumber } from './calls.js';
import { constants } from './constants.js';
import { load, nativeMemory, sameCall } from './ffi.js';
import { bytes, int, invoke, type Passed, pointer } from './libc.js';

/** ioctl requests of linux/seccomp.h; they hold the sizes of the structures. */
const requests = {
  receive: 0xc0502100n,
  send: 0xc0182101n,
  isValid: 0x40082102n,
  setFlags: 0x40082104n,
} as const;
const sizes = { notification: 80, response: 24, data: 64 } as const;

const SECCOMP_USER_NOTIF_FLAG_CONTINUE = 1;
/** Since Linux 6.6: the caller goes on at once on this processor, which halves what a call takes. */
const SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP = 1n;
const [POLLIN, POLLHUP] = [1, 0x10]; // poll(2)
const { EFAULT, EINTR, EPERM } = errnos.errno;

/** A call that waits for its answer: struct seccomp_notif. */
export interface Notification {
  readonly id: bigint;
  /** The thread that makes it, as this process numbers it. */
  readonly thread: number;
  readonly number: number;
  /** AUDIT_ARCH_ of linux/audit.h. */
  readonly architecture: number;
  readonly args: readonly bigint[];
}

/** Where the structures lie that are passed again and again: struct seccomp_notif, seccomp_notif_resp, two struct pollfd. */
const place = { notification: 0, response: 80, polled: 104, end: 120 } as const;

export class Listener {
  private readonly memory = nativeMemory(place.end);
  private readonly notification = this.part(place.notification, sizes.notification);
  private readonly response = this.part(place.response, sizes.response);
  /** Two struct pollfd: the listener, and the pipe that wakes who waits for it. */
  private readonly polled = this.part(place.polled, place.end - place.polled);
  private readonly take: () => number;
  private readonly send: () => number;
  private readonly polls = new Map<number, ReturnType<typeof sameCall>>();

  /**
   * @param descriptor the listener
   * @param wake the two ends of a pipe: a byte in it ends the waiting
   */
  constructor(
    private readonly descriptor: number,
    private readonly wake: readonly [read: number, write: number],
  ) {
    this.take = this.ioctl(requests.receive, place.notification);
    this.send = this.ioctl(requests.send, place.response);
    for (const [index, fd] of [descriptor, wake[0]].entries()) {
      this.polled.writeInt32LE(fd, index * 8);
      this.polled.writeInt16LE(POLLIN, index * 8 + 4);
    }
    const request = pointer(requests.setFlags);
    invoke('ioctl', [int(descriptor), request, pointer(SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP)]);
  }

  private part(from: number, length: number): Buffer {
    return this.memory.bytes.subarray(from, from + length);
  }

  private ioctl(request: bigint, at: number): () => number {
    const values = [this.descriptor, request, this.memory.address + BigInt(at)];
    return sameCall('ioctl', ['int', 'word', 'word'], values).here;
  }

  private poll(milliseconds: number): ReturnType<typeof sameCall> {
    const known = this.polls.get(milliseconds);
    if (known !== undefined) return known;
    const values = [this.memory.address + BigInt(place.polled), 2n, milliseconds];
    const call = sameCall('poll', ['word', 'word', 'int'], values);
    this.polls.set(milliseconds, call);
    return call;
  }

  /** Waits on a thread of libuv's until there is a call, or nobody left to make one, or it is woken. */
  async wait(): Promise<void> {
    await load(this.poll(-1).onThread);
  }

  /**
   * Looks, for at most so many milliseconds, how it is.
   * @returns `call` where one waits, `over` where none will come any more or this was woken, else `quiet`
   */
  look(milliseconds: number): 'call' | 'over' | 'quiet' {
    // Where a signal came first, what stands there is of the time before.
    if (this.poll(milliseconds).here() === -1) return 'quiet';
    const [listener, wake] = [this.polled.readInt16LE(6), this.polled.readInt16LE(14)];
    if (listener & POLLIN) return 'call';
    return wake !== 0 || listener & POLLHUP ? 'over' : 'quiet';
  }

  /** Takes the next call; undefined where its caller ended meanwhile (ENOENT), or a signal came. */
  receive(): Notification | undefined {
    const { notification } = this;
    // Or EINVAL.
    notification.fill(0);
    if (this.take() === -1) return undefined;
    const args = [
      notification.readBigUInt64LE(32),
      notification.readBigUInt64LE(40),
      notification.readBigUInt64LE(48),
      notification.readBigUInt64LE(56),
      notification.readBigUInt64LE(64),
      notification.readBigUInt64LE(72),
    ];
    return {
      id: notification.readBigUInt64LE(0),
      thread: notification.readUInt32LE(8),
      number: notification.readInt32LE(16),
      architecture: notification.readUInt32LE(20),
      args,
    };
  }

  /**
   * Has the call go on, or fail with an errno.
   * @returns whether its caller still waited: then what was read of its memory meanwhile was that call's
   */
  answer(id: bigint, errno = 0): boolean {
    const { response } = this;
    response.writeBigUInt64LE(id, 0);
    response.writeInt32LE(-errno, 16);
    response.writeUInt32LE(errno === 0 ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0, 20);
    if (this.send() !== -1) return true;
    // A signal may have come first: then the kernel has not taken the answer, and its caller would wait for good.
    const passed = [
      int(this.descriptor),
      pointer(requests.send),
      pointer(this.memory.address + BigInt(place.response)),
    ];
    for (;;) {
      const { value, errno } = invoke('ioctl', passed);
      if (value !== -1) return true;
      if (errno !== EINTR) return false;
    }
  }

  /** Whether the caller of a call still waits for its answer. */
  waits(id: bigint): boolean {
    const number = Buffer.alloc(8);
    number.writeBigUInt64LE(id);
    const { value } = invoke('ioctl', [int(this.descriptor), pointer(requests.isValid), bytes(number)]);
    return value !== -1;
  }

  /** Ends what waits. */
  interrupt(): void {
    writeSync(this.wake[1], 'x');
  }
}

/** What this kernel lets whoever wants to watch do. */
export type WatchSupport =
  | { readonly possible: true; readonly killable: boolean }
  | { readonly possible: false; readonly errno: 'EPERM' | 'EINVAL' };

const SECCOMP_GET_ACTION_AVAIL = 2;
const SECCOMP_GET_NOTIF_SIZES = 3;
const SECCOMP_RET_USER_NOTIF = 0x7fc00000;

/**
 * Asks without changing anything: of a filter at no address the kernel says EFAULT where it knows the flags, and EINVAL
 * where it does not. A container's own filter that forbids seccomp(2) says EPERM, or as if there were no such call.
 */
export function watchSupport(): WatchSupport {
  const number = pointer(BigInt(systemCallNumber('seccomp') ?? 0));
  const ask = (operation: number, flags: number, args: Passed) => {
    const { value, errno } = invoke('syscall', [number, int(operation), int(flags), args]);
    return value === -1 ? errno : 0;
  };
  const action = Buffer.alloc(4);
  action.writeUInt32LE(SECCOMP_RET_USER_NOTIF);
  const given = Buffer.alloc(8);
  const known = ask(SECCOMP_GET_ACTION_AVAIL, 0, bytes(action));
  if (known === EPERM) return { possible: false, errno: 'EPERM' };
  const same =
    known === 0 &&
    ask(SECCOMP_GET_NOTIF_SIZES, 0, bytes(given)) === 0 &&
    Object.values(sizes).every((size, index) => given.readUInt16LE(index * 2) === size);
  if (!same) return { possible: false, errno: 'EINVAL' };
  const takes = (flags: number) => ask(constants.SECCOMP_SET_MODE_FILTER, flags, pointer(0n));
  const listener = constants.SECCOMP_FILTER_FLAG_NEW_LISTENER;
  const killable = takes(listener | constants.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) === EFAULT;
  if (killable || takes(listener) === EFAULT) return { possible: true, killable };
  return { possible: false, errno: 'EINVAL' };
}
