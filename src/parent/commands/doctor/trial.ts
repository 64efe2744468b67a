/** Trying things instead of guessing them from a version: through the same call chain that a launch uses. */
import { spawn } from 'node:child_process';
import { type ChainCall, memory } from '../../../common/kernel/calls.js';
import type { CallRecord } from '../../../common/kernel/kernel.js';
import { waitForProcess } from '../../../common/kernel/processes.js';
import { Recorder } from '../../../common/kernel/recorder.js';
import type { CloneFlag } from '../../../common/namespaces.js';

const step = 'doctor';

/** Makes calls in a process of its own, which ends then, and returns what became of each. */
function tried(calls: readonly ChainCall[]): CallRecord[] {
  const records: CallRecord[] = [];
  const kernel = new Recorder(step, process.hrtime.bigint(), (record) => records.push(record));
  const running = kernel.clone({
    actor: 'trial',
    calls: [...calls, { step, call: '_exit', args: { status: 0 } }],
  });
  waitForProcess(running.pid, true);
  running.record();
  running.release();
  return records.filter(({ actor }) => actor === 'trial');
}

/**
 * Makes namespaces in a process of its own, which ends at once.
 * @returns undefined when it worked, else the errno's name
 */
export const tryUnshare = (flags: readonly CloneFlag[]): string | undefined =>
  tried([{ step, call: 'unshare', args: { flags } }]).find(({ errno }) => errno !== undefined)?.errno;

/** user_namespaces(7): "The kernel imposes a limit of 32 nested levels". One more than can be, to meet the limit. */
const levels = 34;

/**
 * Makes user namespaces one inside another until no more can be made. Each is mapped, as only a mapped ID may make
 * the next.
 * @returns how many there were
 */
export function tryNesting(): number {
  const [uid, gid] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0];
  const unshared = (): ChainCall => ({ step, call: 'unshare', args: { flags: ['CLONE_NEWUSER'] } });
  // With all others closed, what is opened is the lowest free descriptor: open(2).
  let fd = 3;
  const write = (pathname: string, text: string): ChainCall[] => [
    { step, call: 'open', args: { pathname, flags: ['O_WRONLY'], mode: 0 } },
    { step, call: 'write', args: { fd: fd++, buf: memory(Buffer.from(text), text), count: text.length } },
  ];
  const maps = (outside: { uid: number; gid: number }): ChainCall[] => [
    ...write('/proc/self/uid_map', `0 ${outside.uid} 1`),
    ...write('/proc/self/gid_map', `0 ${outside.gid} 1`),
  ];
  const calls: ChainCall[] = [
    { step, call: 'close_range', args: { first: fd, last: 'UINT_MAX', flags: 0 } },
    unshared(),
    // Those inside inherit it.
    ...write('/proc/self/setgroups', 'deny'),
    ...maps({ uid, gid }),
    ...Array.from({ length: levels - 1 }, () => [unshared(), ...maps({ uid: 0, gid: 0 })]).flat(),
  ];
  return tried(calls).filter(({ call, errno }) => call === 'unshare' && errno === undefined).length;
}

/** How a launch ended, and what gontainer said. */
export interface Launched {
  readonly status: number | null;
  readonly said: string;
}

/** A whole launch, with a shell script as its command. */
export function tryLaunch(options: readonly string[], script = ':'): Promise<Launched> {
  const words = [
    ...process.execArgv,
    process.argv[1] as string,
    'run',
    '--quiet',
    ...options,
    '--',
    '/bin/sh',
    '-c',
    script,
  ];
  const launched = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  launched.stderr.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  return new Promise((done) => {
    launched.on('error', ({ message }) => done({ status: null, said: message }));
    launched.on('close', (status) =>
      done({ status, said: said.trim().replace(/^gontainer: /, '') || `it ended with status ${status}` }),
    );
  });
}
