import { defined } from '../defined.js';
import { Failure, isFailure } from '../failure.js';
import { errnoName, errnoText } from './errno.js';

/** The symbolic name that Node gives an error of the system, for example `ENOENT`; undefined for any other error. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** `no space left on device (ENOSPC)` for an error of node:fs or node:http; its own message for any other. */
export function errnoWords(error: unknown): string {
  const name = errorCode(error);
  const words = name === undefined ? undefined : errnoText(name);
  if (words !== undefined) return `${words} (${name})`;
  return error instanceof Error ? error.message : String(error);
}

/** What failed, as data: it travels from the child to the parent. */
export interface KernelErrorData {
  readonly step: string;
  readonly call: string;
  readonly args: Record<string, unknown>;
  /** The name of the errno. */
  readonly errno: string;
}

/** What is said of a failed call in the place of the call itself. */
interface OtherWords {
  readonly message?: string;
  readonly status?: number;
  readonly next?: string | undefined;
  readonly cause?: unknown;
}

/** A kernel call that returned -1, or that was not made because it would. */
export class KernelError extends Failure {
  readonly data: KernelErrorData;

  constructor(data: KernelErrorData, { message = sentence(data), ...options }: OtherWords = {}) {
    super(message, options);
    this.data = data;
  }
}

/** Whether a kernel call failed, and with this errno. */
export const failedWith = (error: unknown, errno: string): boolean =>
  error instanceof KernelError && error.data.errno === errno;

const sentence = (data: KernelErrorData): string =>
  `${data.step === '' ? '' : `step ${data.step}: `}${written(data)} failed with ${data.errno} (${errnoText(data.errno) ?? 'unknown error'})`;

/** `mount("proc", "proc", "proc", "MS_NOSUID", null)`; long lists of strings are left out. */
function written({ call, args }: KernelErrorData): string {
  const shown = Object.values(args).map((value) => (Array.isArray(value) ? '[…]' : JSON.stringify(value)));
  return `${call}(${shown.join(', ')})`;
}

/** What Node says of a system call of its own that failed, in the same form as ours; undefined for any other error. */
export function systemCallError(error: Error, step: string): KernelError | undefined {
  const { syscall, path, info, ...own } = error as NodeJS.ErrnoException & { info?: { errno: number } };
  // A SystemError, which libuv's other calls end in, has the errno elsewhere.
  const code = info === undefined ? own.code : errnoName(Math.abs(info.errno));
  if (syscall === undefined || code === undefined || isFailure(error)) return undefined;
  return new KernelError({ step, call: syscall, args: defined({ path }), errno: code });
}
