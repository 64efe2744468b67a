/** Peak resident memory (VmHWM in proc_pid_status(5)) of bare Node, and of both stages while the command runs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { environment } from './process.js';

/** KiB. */
export interface Memory {
  readonly bare: number;
  readonly parent: number;
  readonly child: number;
}

const peak = (status: string): number => Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);

const childrenOf = (pid: number): number[] =>
  readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );

/** A container whose command waits for the end of its input. */
export async function startWaiting(words: readonly string[], node?: string) {
  const [file = '', ...rest] = [...words, '--', '/bin/sh', '-c', 'echo ready; read line'];
  const launcher = spawn(file, rest, { stdio: ['pipe', 'pipe', 'ignore'], env: environment(node), cwd: '/' });
  await once(launcher.stdout, 'data');
  return {
    pid: launcher.pid as number,
    end: async () => {
      const ended = once(launcher, 'close');
      launcher.stdin.end();
      await ended;
    },
  };
}

/** @param launch the words of gontainer without a command */
export async function memory(node: string, launch: readonly string[]): Promise<Memory> {
  const own = 'const fs = require("node:fs"); fs.writeSync(1, fs.readFileSync("/proc/self/status"))';
  const bare = spawn(node, ['-e', own], { stdio: ['ignore', 'pipe', 'inherit'], env: environment() });
  const [status] = await once(bare.stdout, 'data');
  const container = await startWaiting(launch, node);
  const of = (pid: number): number => peak(readFileSync(`/proc/${pid}/status`, 'utf8'));
  const found = { bare: peak(String(status)), parent: of(container.pid) };
  const [child = 0] = childrenOf(container.pid);
  const both = { ...found, child: of(child) };
  await container.end();
  return both;
}
