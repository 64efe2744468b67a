/**
 * `gontainer run --detach`: starts the launcher in the background (background.ts), waits until the command runs, and
 * prints the container's name.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { environmentPassedOn, passedOn } from '../../../common/caller-text.js';
import { Failure, nextAfterKill, statusOfSignal, usageFailure } from '../../../common/failure.js';
import { KernelError } from '../../../common/kernel/kernel-error.js';
import { signalNumber } from '../../../common/kernel/processes.js';
import { Recorder } from '../../../common/kernel/recorder.js';
import { killProcess } from '../../../common/kill-process.js';
import { deadlySignals } from '../../../common/passed-signals.js';
import { print } from '../../../common/print.js';
import { needsNewerKernel } from '../../advice/newer-kernel.js';
import type { Values } from '../../command-line/subcommand.js';
import { givenUp } from '../../launch/signal-relay.js';
import { noteForChild } from '../../spec/inherited.js';
import { outputExtension } from '../../state/entry.js';
import { listing } from '../../state/listing.js';
import { stateFolder } from '../../state/state-folder.js';
import { backgroundDescriptors, backgroundWord, callersDescriptors, type Report } from './background.js';

/** Options that need a caller who stays. */
const needCaller: readonly (readonly [option: string, why: string])[] = [
  ['step', 'goes through a launch with somebody at the terminal'],
  ['pty', 'passes on what is typed at the terminal'],
  ['die-with-parent', 'ends the container with its caller'],
  ['decide-fd', 'asks its caller about every watched call'],
];

/**
 * @param words the command line, which the launcher gets as it is
 * @returns 0 when the command runs
 * @throws Failure when it was not started, with the status of that
 */
export async function startDetached(
  { options }: Values,
  script: string,
  words: readonly string[],
): Promise<number> {
  const [name, why] = needCaller.find(([option]) => options[option] !== undefined) ?? [];
  if (name !== undefined) throw usageFailure(`--${name} ${why}, and --detach lets go of it`, 'Choose one.');
  const callers = callersDescriptors(options);
  if (callers.some((fd) => fd < 3))
    throw usageFailure('--detach lets go of descriptors 0 to 2', 'Open another one: --status-fd=3 3>FILE');
  const { standardError, report } = backgroundDescriptors(callers);
  const stdio: (number | 'ignore' | 'pipe')[] = Array(Math.max(report, standardError, ...callers) + 1).fill(
    'ignore',
  );
  for (const fd of callers) stdio[fd] = fd;
  stdio[standardError] = 2;
  stdio[report] = 'pipe';
  // What else the caller has open, such as the pipe that a shell reads from, is to end with this process.
  const kernel = new Recorder('parent', 0n, () => {});
  try {
    kernel.call('close_range', { first: 3, last: 'UINT_MAX', flags: 'CLOSE_RANGE_CLOEXEC' });
  } catch (error) {
    throw error instanceof KernelError ? Object.assign(error, { next: needsNewerKernel(error.data) }) : error;
  }
  const launcher = spawn(
    process.execPath,
    [...process.execArgv, script, backgroundWord, ...passedOn(words)],
    {
      // setsid(2): the signals of the caller's terminal, and SIGHUP when it is closed, do not reach it.
      detached: true,
      stdio,
      env: { ...process.env, ...noteForChild(), ...environmentPassedOn() },
    },
  );
  const container = await started(launcher, launcher.stdio[report] as Readable, options.output === undefined);
  try {
    return print(container);
  } catch (error) {
    throw new Failure((error as Failure).message, {
      next: `The container ${container} runs all the same: gontainer kill ${container}`,
    });
  }
}

/**
 * Waits for the launcher's report. Signals that come meanwhile give the launch up.
 * @param ours whether the command's output goes to the file beside the container's state
 * @returns the container's name
 */
async function started(launcher: ChildProcess, pipe: Readable, ours: boolean): Promise<string> {
  const gone = new Promise<NodeJS.Signals | null>((done, failed) => {
    launcher.on('error', failed);
    launcher.on('exit', (_, signal) => done(signal));
  });
  let interrupted: NodeJS.Signals | undefined;
  const giveUp = (signal: NodeJS.Signals): void => {
    interrupted ??= signal;
    launcher.kill(signal);
  };
  for (const signal of deadlySignals) process.on(signal, giveUp);
  const report = await heard(pipe);
  if (report !== undefined && 'name' in report && interrupted === undefined) {
    launcher.unref();
    return report.name;
  }
  // The command began to run at the moment when it was given up: its launcher then clears away what was made for it.
  const given = report !== undefined && 'name' in report ? report : undefined;
  if (given !== undefined) killProcess(given.pid);
  const signal = await gone;
  // In it the launcher said that the container was killed, which nobody has to be told.
  if (given !== undefined && ours)
    rmSync(join(stateFolder(), `${given.name}${outputExtension}`), { force: true });
  // A launcher that was killed leaves what listing() takes away.
  if (report === undefined) listing();
  if (interrupted !== undefined) throw givenUp(interrupted);
  if (report !== undefined && 'failure' in report) {
    const { message, status, next, stack } = report.failure;
    throw Object.assign(new Failure(message, { status, next }), { stack });
  }
  throw new Failure(`the launcher in the background was killed by ${signal ?? 'somebody'}`, {
    next: nextAfterKill(signal),
    ...(signal === null ? {} : { status: statusOfSignal(signalNumber(signal)) }),
  });
}

async function heard(pipe: Readable): Promise<Report | undefined> {
  let text = '';
  for await (const part of pipe) text += part;
  return text.endsWith('\n') ? JSON.parse(text) : undefined;
}
