/** A Failure as data: what a stage, or a program that has a container open, is told of it. */
import type { FailureData } from './channel.js';
import { defined } from './defined.js';
import { exitStatus, Failure } from './failure.js';
import { KernelError } from './kernel/kernel-error.js';

/** The failure that it tells of. */
export const failureFromData = ({ message, status, next, kernel }: FailureData): Failure =>
  kernel === undefined
    ? new Failure(message, { status, next })
    : new KernelError(kernel, { message, status, next });

export function failureData(error: Error): FailureData {
  return {
    message: error.message,
    status: error instanceof Failure ? error.status : exitStatus.launcher,
    ...defined({
      next: error instanceof Failure ? error.next : undefined,
      kernel: error instanceof KernelError ? error.data : undefined,
      stack: error.stack,
    }),
  };
}
