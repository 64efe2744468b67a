/** Reading what strace(1) wrote with -f -y -v: calls by process, as data. */
import { readFileSync } from 'node:fs';

/** One system call that returned. */
export interface SystemCall {
  readonly name: string;
  /** The arguments as strace writes them, without what it adds: the file behind a descriptor is in `files`. */
  readonly args: readonly string[];
  /** For an argument that is a descriptor, the file behind it. */
  readonly files: readonly (string | undefined)[];
  readonly ret: number;
  readonly errno: string | undefined;
}

export interface TracedProcess {
  readonly pid: number;
  /** Whether it was made by clone(2) from a traced process, rather than started by strace. */
  readonly cloned: boolean;
  /** Those of all its threads, in the order in which they began. */
  readonly calls: SystemCall[];
  killed: boolean;
}

/** The processes of a trace, by their process ID as strace sees it. Calls that never returned are left out. */
export function readTrace(file: string): Map<number, TracedProcess> {
  const processes = new Map<number, TracedProcess>();
  /** Threads, by thread ID: the process that they belong to. */
  const threads = new Map<number, number>();
  const lines = joined(readFileSync(file, 'utf8').split('\n'));
  // A thread can be heard of before the clone that made it has returned, so threads are looked for first.
  for (const { thread, text } of lines) {
    const made = /^clone3?\(.*CLONE_THREAD.*\) = (\d+)(?: \/\* (\d+) in strace's PID NS \*\/)?/.exec(text);
    if (made !== null) threads.set(Number(made[2] ?? made[1]), threads.get(thread) ?? thread);
  }
  const processOf = (thread: number): number => {
    const leader = threads.get(thread);
    return leader === undefined ? thread : processOf(leader);
  };
  for (const { thread, text } of lines) {
    const pid = processOf(thread);
    const process = processes.get(pid) ?? { pid, cloned: processes.size > 0, calls: [], killed: false };
    processes.set(pid, process);
    if (text.startsWith('+++ killed') && thread === pid) process.killed = true;
    const call = systemCall(text);
    if (call !== undefined) process.calls.push(call);
  }
  return processes;
}

interface Line {
  readonly thread: number;
  text: string;
}

/** Puts the halves of calls together that strace wrote as unfinished and resumed, where they began. */
function joined(lines: readonly string[]): Line[] {
  const all: Line[] = [];
  const open = new Map<number, Line>();
  for (const written of lines) {
    const [, id, text] = /^(\d+)\s+(.*)$/s.exec(written) ?? [];
    if (id === undefined || text === undefined) continue;
    const thread = Number(id);
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/s.exec(text)?.[1];
    if (resumed !== undefined) {
      const begun = open.get(thread);
      if (begun === undefined) throw new Error(`strace: nothing to resume: ${written}`);
      begun.text += resumed;
      open.delete(thread);
      continue;
    }
    const unfinished = /^(.*?)\s*<unfinished \.\.\.>$/s.exec(text)?.[1];
    const line = { thread, text: unfinished ?? text };
    if (unfinished !== undefined) open.set(thread, line);
    all.push(line);
  }
  return all;
}

/** `name(args) = ret ERRNO (words)`; undefined for signals, ends of processes and calls that did not return. */
function systemCall(text: string): SystemCall | undefined {
  const [, name, inner, ret, errno] =
    /^(\w+)\((.*)\)\s+= (-?\d+|0x[0-9a-f]+)(?:<[^>]*>+)?(?: ([A-Z][A-Z0-9]+) \(.*\))?(?: \/\*.*\*\/)?(?: \(.*\))?$/s.exec(
      text,
    ) ?? [];
  if (name === undefined || inner === undefined || ret === undefined) return undefined;
  const parts = split(inner).map((part) => part.replace(/ \/\*[^*"]*\*\//g, ''));
  const files = parts.map((part) => /^(?:\d+|AT_FDCWD)<(.*)>$/s.exec(part)?.[1]);
  return {
    name,
    args: parts.map((part) =>
      /^(\d+|AT_FDCWD)<.*>$/s.test(part)
        ? (part.split('<')[0] as string)
        : // The two ends of a pipe, or a pair of sockets.
          part.replace(/^\[(\d+)<[^>]*>, (\d+)<[^>]*>\]$/, '[$1, $2]'),
    ),
    files,
    // umask(2) returns a mode, which strace writes in octal.
    ret: /^0\d+$/.test(ret) ? Number.parseInt(ret, 8) : Number(ret),
    errno,
  };
}

/** Cuts at the commas outside strings, brackets and file names. */
function split(text: string): string[] {
  const parts: string[] = [];
  let [part, depth] = ['', 0];
  for (let at = 0; at < text.length; ) {
    const [piece] =
      /^"(?:[^"\\]|\\.)*"(?:\.\.\.)?/s.exec(text.slice(at)) ??
      (part === '' ? /^(?:\d+|AT_FDCWD)<.*?>(?=,|$)/s.exec(text.slice(at)) : null) ??
      ([text[at]] as string[]);
    if (piece === undefined) break;
    at += piece.length;
    if (depth === 0 && piece === ',') {
      parts.push(part);
      part = '';
      while (text[at] === ' ') at += 1;
      continue;
    }
    if (/^[[{(]$/.test(piece)) depth += 1;
    if (/^[\]})]$/.test(piece)) depth -= 1;
    part += piece;
  }
  return part === '' ? parts : [...parts, part];
}
