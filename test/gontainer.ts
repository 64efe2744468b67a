/** Running the built program in tests, as root and as an unprivileged user. No kernel call is mocked anywhere. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { patience, until } from './until.js';

export { lacking } from './system-packages.js';

// At a terminal node:test tells its files to show colour; the programs that they start are to decide that themselves.
delete process.env.FORCE_COLOR;

export const project = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** The program under test: scripts/test.ts puts a copy where every user can read it. */
export const program = process.env.GONTAINER_PROGRAM ?? join(project, 'dist/main.cjs');
/** The Node that runs it: scripts/test-nodes.ts chooses others. */
export const node = process.env.GONTAINER_NODE ?? process.execPath;

export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

const isRoot = process.getuid?.() === 0;

export const root: User = { name: 'root', uid: 0, gid: 0 };
/** A user that nothing on the machine knows; or whoever runs the tests, when that is not root. */
export const unprivileged: User = isRoot
  ? { name: 'an unprivileged user', uid: 54_321, gid: 54_321 }
  : { name: 'an unprivileged user', uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

/** The users to test with, each with the reason to skip it, if there is one. */
export const users: readonly (User & { readonly skip: string | false })[] = [
  { ...root, skip: isRoot ? false : 'needs root' },
  { ...unprivileged, skip: false },
];

/**
 * Removes a folder, in which what is just ending may still write: what was not there when rm looked is only in the way
 * (ENOTEMPTY), and it looks again. An overlay leaves a folder of mode 0 in it, into which its own owner may not look.
 */
export function removeFolder(path: string): void {
  for (let tries = 1; ; tries += 1) {
    try {
      rmSync(path, { recursive: true, force: true, maxRetries: 20 });
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (tries === 20 || (code !== 'EACCES' && code !== 'ENOTEMPTY')) throw error;
      if (code === 'EACCES') spawnSync('chmod', ['-R', 'u+rwX', path], { stdio: 'ignore' });
    }
  }
}

/** A folder that belongs to a user, removed when the test file is done. */
export function folder(user: User = root): string {
  const path = mkdtempSync(join(tmpdir(), 'gontainer-test-'));
  if (isRoot) chownSync(path, user.uid, user.gid);
  chmodSync(path, 0o755);
  after(() => removeFolder(path));
  return path;
}

/** Words before a program's own that hide the subordinate IDs of whoever has some; they need bwrap(1). */
export function withoutSubordinateIds(): string[] {
  const nothing = join(folder(), 'nothing');
  writeFileSync(nothing, '');
  const lists = ['/etc/subuid', '/etc/subgid'].filter((list) => existsSync(list));
  const hidden = lists.flatMap((list) => ['--ro-bind', nothing, list]);
  return ['bwrap', '--dev-bind', '/', '/', ...hidden, '--'];
}

export interface RunOptions {
  readonly user?: User;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Words before the program's own: `strace …`. */
  readonly under?: readonly string[];
}

export interface Finished {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where a user's root file systems are noted, as HOME is nobody's own: removed with all that a run of the tests makes. */
export const notes = ({ uid } = { uid: process.getuid?.() ?? 0 }): string => join(tmpdir(), `notes-${uid}`);

/**
 * Ends a process with the test that started it, however that ends: after an assertion that failed nobody else would, and
 * Node waits for what it has started.
 */
export function endWithTest<Child extends ChildProcess>(child: Child): Child {
  after(() => {
    child.kill('SIGKILL');
    for (const stream of child.stdio) stream?.destroy();
  });
  return child;
}

/** Starts gontainer. */
export function start(
  words: readonly string[],
  { user, env, cwd, under = [] }: RunOptions = {},
): ChildProcess {
  const [file = node, ...rest] = [...under, node, program, ...words];
  const child = spawn(file, rest, {
    cwd: cwd ?? '/',
    env: { PATH: process.env.PATH, HOME: '/', XDG_DATA_HOME: notes(user), TERM: 'xterm', ...env },
    stdio: 'pipe',
    ...(isRoot && user !== undefined ? { uid: user.uid, gid: user.gid } : {}),
  });
  return endWithTest(child);
}

/** Runs gontainer to its end. */
export async function run(words: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const child = start(words, options);
  child.stdin?.on('error', () => {});
  child.stdin?.end(options.input ?? '');
  return finished(child);
}

/**
 * What a process wrote and how it ended.
 * @param within milliseconds, after which it is killed and that is an error
 */
export async function finished(
  child: ChildProcess,
  { within = 4 * patience }: { readonly within?: number } = {},
): Promise<Finished> {
  let [stdout, stderr] = ['', ''];
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  return new Promise((done, failed) => {
    const late = setTimeout(() => {
      child.kill('SIGKILL');
      const words = child.spawnargs.join(' ');
      failed(new Error(`${words} has not ended within ${within / 1000} s, and wrote ${stdout}${stderr}`));
    }, within);
    child.on('error', failed);
    child.on('close', (status, signal) => {
      clearTimeout(late);
      done({ status, signal, stdout, stderr });
    });
  });
}

/**
 * Waits until the launcher knows that the command of a container runs, and has heard all that the child had to say of it.
 * The command itself may have written something before that.
 * @param runtime the container's XDG_RUNTIME_DIR
 */
export async function untilRuns(runtime: string, name: string): Promise<void> {
  const entry = join(runtime, 'gontainer', `${name}.ndjson`);
  const steps = (): string => (existsSync(entry) ? readFileSync(entry, 'utf8') : '');
  await until(
    () => `${name} does not run: ${steps()}`,
    () => steps().includes('"step":"exec"'),
  );
}

/** The records of a log file. */
export const records = (file: string): Record<string, unknown>[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));

/** A small root file system made by the program itself, once for a test file. */
export async function rootfs(user: User = root): Promise<string> {
  const path = join(folder(user), 'rootfs');
  if (!existsSync(path)) {
    const { status, stderr } = await run(['rootfs', 'create', path], { user });
    if (status !== 0) throw new Error(`rootfs create: ${stderr}`);
  }
  return path;
}
