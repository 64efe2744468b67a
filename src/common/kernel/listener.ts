/**
 * The other end of a seccomp filter with SECCOMP_RET_USER_NOTIF: seccomp_unotify(2). Whoever holds it is told of each call
 * that the filter names, while the caller waits, and answers. These calls are made while the command runs; they are not
 * the launch's, and not in its log.
 */
import { writeSync } from 'node:fs';
import { constants as errnos } from 'node:os';
import { errnoAddress } from './arena.js';
import { systemCallNumber } from './calls.js';
import { constants } from './constants.js';
import { Crossing, type CrossingCall } from './crossing.js';
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

/** How a call is answered: it goes on, or fails with an errno. */
export interface CallAnswer {
  readonly id: bigint;
  readonly errno: number;
}

/** What there is after a trip. */
export interface Trip {
  /** Whether the caller still waited for its answer: then what was read of its memory meanwhile was that call's. */
  readonly answered: boolean;
  /** The next call; `over` where none will come any more or this was woken, else `quiet`. */
  readonly next: Notification | 'over' | 'quiet';
}

/**
 * Where the structures lie that are passed again and again: struct seccomp_notif, seccomp_notif_resp, two struct pollfd; an
 * errno, and a zero; and somewhere in the rest, at a multiple of 256, what is put into a descriptor (`trip`).
 */
const place = {
  notification: 0,
  response: 80,
  polled: 104,
  errno: 120,
  zero: 124,
  spoils: 128,
  end: 640,
} as const;

/** Milliseconds that a trip waits for the next call. */
const linger = 1;
/** What makes any descriptor one that there is not, in its highest byte. */
const noDescriptor = 0xff;

/** The calls of a trip, in their order. */
const order = { clear: 0, send: 1, keep: 2, poll: 3, look: 4, spoil: 5, receive: 6 } as const;

export class Listener {
  private readonly memory = nativeMemory(place.end);
  private readonly notification = this.part(place.notification, sizes.notification);
  private readonly response = this.part(place.response, sizes.response);
  /** Two struct pollfd: the listener, and the pipe that wakes who waits for it. */
  private readonly polled = this.part(place.polled, place.errno - place.polled);
  private readonly sendAndReceive: () => void;
  private readonly onlyReceive: () => void;
  private readonly poll: ReturnType<typeof sameCall>;

  /**
   * @param descriptor the listener
   * @param wake the two ends of a pipe: a byte in it ends the waiting
   */
  constructor(
    private readonly descriptor: number,
    private readonly wake: readonly [read: number, write: number],
  ) {
    const from = this.trip();
    this.sendAndReceive = from(order.clear);
    this.onlyReceive = from(order.poll);
    const polled = this.at(place.polled);
    this.poll = sameCall('poll', ['word', 'word', 'int'], [polled, 2n, -1]);
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

  private at(offset: number): bigint {
    return this.memory.address + BigInt(offset);
  }

  /**
   * SEND, poll(2), RECV. Without a call to be taken RECV would wait for one, so its descriptor is spoilt then: poll(2) leaves
   * a byte with what there is, which is the last of the address of a byte that becomes the highest of the descriptor.
   */
  private trip(): (from: number) => () => void {
    const { descriptor } = this;
    const trip = new Crossing(Object.keys(order).length);
    const errno = errnoAddress();
    const spoils = (this.at(place.spoils) + 0xffn) & ~0xffn;
    const from = Number(spoils - this.memory.address);
    for (let events = 0; events < 256; events += 1)
      this.memory.bytes[from + events] = (events & POLLIN) === 0 ? noDescriptor : 0;
    const highest = trip.argument(order.receive, 0) + 3n;
    const calls: Record<keyof typeof order, CrossingCall> = {
      clear: { function: 'memcpy', args: [errno, this.at(place.zero), 4n] },
      send: { function: 'ioctl', args: [BigInt(descriptor), requests.send, this.at(place.response)] },
      keep: { function: 'memcpy', args: [this.at(place.errno), errno, 4n] },
      poll: { function: 'poll', args: [this.at(place.polled), 2n, BigInt(linger)] },
      look: {
        function: 'memcpy',
        args: [trip.argument(order.spoil, 1), this.at(place.polled + 6), 1n],
      },
      spoil: { function: 'memcpy', args: [highest, spoils, 1n] },
      receive: {
        function: 'ioctl',
        args: [BigInt(descriptor), requests.receive, this.at(place.notification)],
      },
    };
    return trip.prepare(Object.values(calls));
  }

  /** Waits on a thread of libuv's until there is a call, or nobody left to make one, or it is woken. */
  async wait(): Promise<void> {
    await load(this.poll.onThread);
  }

  /** Answers a call, if there is one to be answered, and takes the next, if it comes within a millisecond. */
  travel(answer: CallAnswer | undefined): Trip {
    const { notification, polled } = this;
    // Or EINVAL.
    notification.fill(0);
    polled.writeInt16LE(0, 6);
    polled.writeInt16LE(0, 14);
    if (answer === undefined) {
      this.onlyReceive();
      return { answered: false, next: this.received() ?? this.stateNow() };
    }
    this.respond(answer);
    this.sendAndReceive();
    const next = this.received() ?? this.stateNow();
    const errno = this.memory.bytes.readInt32LE(place.errno);
    // A signal came first: the kernel has not taken the answer, and its caller would wait for good.
    return { answered: errno === EINTR ? this.answer(answer) : errno === 0, next };
  }

  private stateNow(): 'over' | 'quiet' {
    const [listener, wake] = [this.polled.readInt16LE(6), this.polled.readInt16LE(14)];
    return wake !== 0 || (listener & (POLLIN | POLLHUP)) === POLLHUP ? 'over' : 'quiet';
  }

  /** Undefined where there was none, or its caller ended meanwhile (ENOENT). The kernel gives every call a number. */
  private received(): Notification | undefined {
    const { notification } = this;
    const id = notification.readBigUInt64LE(0);
    if (id === 0n) return undefined;
    return {
      id,
      thread: notification.readUInt32LE(8),
      number: notification.readInt32LE(16),
      architecture: notification.readUInt32LE(20),
      args: [
        notification.readBigUInt64LE(32),
        notification.readBigUInt64LE(40),
        notification.readBigUInt64LE(48),
        notification.readBigUInt64LE(56),
        notification.readBigUInt64LE(64),
        notification.readBigUInt64LE(72),
      ],
    };
  }

  private respond({ id, errno }: CallAnswer): void {
    const { response } = this;
    response.writeBigUInt64LE(id, 0);
    response.writeInt32LE(-errno, 16);
    response.writeUInt32LE(errno === 0 ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0, 20);
  }

  /**
   * Answers a call at once.
   * @returns whether its caller still waited
   */
  answer(answer: CallAnswer): boolean {
    this.respond(answer);
    const passed = [int(this.descriptor), pointer(requests.send), pointer(this.at(place.response))];
    for (;;) {
      const { value, errno } = invoke('ioctl', passed);
      if (value !== -1) return true;
      // A signal came first: the kernel has not taken the answer, and its caller would wait for good.
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
