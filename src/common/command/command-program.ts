/** What is known of the command before its process is there: its program, its environment, and why it cannot be run. */
import { callerDirectory } from '../caller-text.js';
import { exitStatus, Failure } from '../failure.js';
import { KernelError } from '../kernel/kernel-error.js';
import { locateProgram } from '../program.js';
import { prompt } from '../prompt.js';
import type { LaunchSpec } from '../spec.js';
import { whyNotExecutable } from './why-not-executable.js';

/**
 * The path of the program, found inside.
 * @param root where the command's root is, seen from this process
 * @throws KernelError with status 126 or 127
 */
export function commandPath({ command, environment }: LaunchSpec, root: string): string {
  const workingDirectory = root === '/' ? callerDirectory() : '/';
  return locateProgram(command[0] as string, environment.PATH ?? '/bin:/usr/bin', root, workingDirectory);
}

export const commandEnvironment = ({
  environment,
  prompt: chosen,
  user,
}: LaunchSpec): Record<string, string> =>
  chosen === undefined ? { ...environment, PS1: prompt(user.uid) } : environment;

/** What to do where the arguments and the environment of a program are too long. */
export const giveLess = 'Give it less, for example in a file or on its standard input.';

/** The failure when execve(2) of the command failed. */
export function notExecutable(path: string, { command }: LaunchSpec, cause: Error): Failure {
  const data = cause instanceof KernelError ? cause.data : undefined;
  const why = whyNotExecutable(path, data?.errno ?? '');
  const message = why === undefined ? cause.message : `${cause.message}: ${why.reason}`;
  const options = {
    status: exitStatus.notExecutable,
    next:
      why?.next ??
      (data?.errno === 'E2BIG' ? giveLess : undefined) ??
      `${command[0]} or the interpreter that it names (#! line, dynamic loader) cannot be executed here; check with: file ${path}`,
    cause,
  };
  return data === undefined ? new Failure(message, options) : new KernelError(data, { message, ...options });
}
