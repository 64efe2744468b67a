/** --step in a real terminal: what it shows, what the keys do, and that nothing is left when it is given up. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder, lacking, records, run, type User, unprivileged, users } from '../../gontainer.js';
import { isAlive } from '../../remains.js';
import { TerminalSession } from '../../terminal-session.js';
import { until } from '../../until.js';

const noTmux = lacking('tmux', 'setpriv');
const prompt = /Enter: do it/;

interface Opened extends TerminalSession {
  /** The process ID of the shell in it. */
  readonly pid: number;
}

/** A terminal wide enough for the longest line that is printed. */
async function open(user: User): Promise<Opened> {
  const terminal = new TerminalSession(user, { columns: 250, rows: 60 });
  terminal.type('echo shell $$');
  const [, pid] = /^shell (\d+)$/m.exec(await terminal.shows(/^shell \d+$/m)) ?? [];
  return Object.assign(terminal, { pid: Number(pid) });
}

/** Starts gontainer; when it has ended, `ended N` appears, N being its exit status. */
async function launch(terminal: TerminalSession, line: string): Promise<void> {
  await terminal.clear();
  terminal.type(`gontainer ${line}; echo ended $?`);
}

/** Waits until it stops before a step. */
const stopsAt = (terminal: TerminalSession, step: string): Promise<string> =>
  terminal.shows(new RegExp(`^ +${step} [^]*${prompt.source}[^\\n]*\\n*$`, 'm'));

/** The children of a process: proc_pid_task(5). */
function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

const descendantsOf = (pid: number): number[] =>
  childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);

const commandLine = (pid: number): string =>
  readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');

/** Waits until none of the processes is alive; whoever inherits what is killed waits for it in its own time. */
async function allGone(pids: readonly number[]): Promise<void> {
  const left = (): number[] => pids.filter(isAlive);
  await until(
    () => `processes ${left().join(', ')} are left`,
    () => left().length === 0,
  );
}

/** The terminal reads whole lines, shows what is typed and makes signals, as a shell expects. */
async function isRestored(terminal: TerminalSession): Promise<void> {
  terminal.type('echo modes: $(stty -a | tr " " "\\n" | grep -xE -- "-?(icanon|echo|isig)")');
  assert.match(await terminal.shows(/^modes: .*icanon.*$/m), /^modes: isig icanon echo$/m);
}

/** Every number of a list of steps, as `1/9`. */
const numbered = (of: number): string[] => Array.from({ length: of }, (_, index) => `${index + 1}/${of}`);

for (const user of users) {
  test(`${user.name}: Enter goes through every step to the command`, {
    skip: user.skip || noTmux,
  }, async () => {
    const terminal = await open(user);
    await launch(terminal, 'run --all --hostname walked --step --quiet -- /bin/sh');
    const steps = numbered(9);
    for (const step of steps) {
      await stopsAt(terminal, step);
      if (step === '5/9') {
        terminal.press('m');
        await terminal.shows(/child +sethostname\(name: walked, len: 6\)[\s\S]*Enter: do it/);
      }
      if (step === '9/9') {
        terminal.press('m');
        await terminal.shows(/the kernel says now:[\s\S]*Enter: do it/);
      }
      terminal.press('Enter');
    }
    const shown = await terminal.shows(/📦 \[root@walked\]/);
    // What exists before the last step is shown as it is: the gate of the command's process.
    assert.match(shown, / 9\/9 [\s\S]* child +write\(fd: \d+, buf: \/, count: 1\)/);
    // The command has the terminal: it can stop and continue jobs, and what is typed reaches it.
    terminal.type('hostname; exit 7');
    const text = await terminal.shows(/^ended 7$/m);
    for (const step of steps) assert.equal(text.split(`\n${step.padStart(5)} `).length, 2, `${step} once`);
    assert.match(text, /\nwalked\n/);
    assert.match(text, /✓ +\S+ → walked \(the host is still \S+\)/);
    await isRestored(terminal);
  });

  test(`${user.name}: q gives up and leaves nothing`, { skip: user.skip || noTmux }, async () => {
    const terminal = await open(user);
    await launch(terminal, 'run --all --step --quiet');
    for (const step of ['1/9', '2/9', '3/9', '4/9']) {
      await stopsAt(terminal, step);
      terminal.press('Enter');
    }
    await stopsAt(terminal, '5/9');
    const pids = descendantsOf(terminal.pid);
    assert.equal(pids.length, 3, 'gontainer, the guard and the child');
    terminal.press('q');
    assert.match(
      await terminal.shows(/^ended 130$/m),
      /^gontainer: given up before step 5\/9, and nothing is left of it\.$/m,
    );
    await allGone(pids);
    await isRestored(terminal);
  });

  test(`${user.name}: what e prints works in a second terminal`, {
    skip: user.skip || noTmux || lacking('nsenter'),
  }, async () => {
    const terminal = await open(user);
    await launch(terminal, 'run --all --step --quiet');
    for (const step of ['1/9', '2/9', '3/9', '4/9', '5/9']) {
      await stopsAt(terminal, step);
      terminal.press('Enter');
    }
    await stopsAt(terminal, '6/9');
    terminal.press('e');
    const text = await terminal.shows(/\$ ls -l \/proc\/\d+\/root\//);
    const commands = [...text.matchAll(/^ +\$ ((?:nsenter|readlink|cat|ls) .*\d.*)$/gm)].map(([, line]) =>
      String(line),
    );
    assert.equal(commands.length, 5, text);
    const child = Number(/--target (\d+)/.exec(commands[0] as string)?.[1]);
    const inside = (script: string) => {
      const options = process.getuid?.() === 0 ? { uid: user.uid, gid: user.gid } : {};
      return execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8', ...options });
    };
    for (const kind of ['user', 'mnt', 'uts', 'ipc', 'net', 'cgroup', 'time', 'pid_for_children']) {
      assert.equal(
        inside(`${commands[0]} -c 'readlink /proc/self/ns/${kind}'`).trim(),
        readlinkSync(`/proc/${child}/ns/${kind}`),
      );
    }
    assert.match(inside(`${commands[0]} -c 'hostname; id -u'`), /^Gontainer\n0\n$/);
    for (const command of commands.slice(1)) assert.notEqual(inside(command), '', command);
    terminal.press('q');
    await terminal.shows(/^ended 130$/m);
  });
}

test('i shows what there is as of now', { skip: noTmux }, async () => {
  const terminal = await open(unprivileged);
  await launch(terminal, 'run --uid --uts --step --quiet');
  await stopsAt(terminal, '1/6');
  terminal.press('i');
  await terminal.shows(/There is no process yet/);
  terminal.press('Enter');
  await stopsAt(terminal, '2/6');
  terminal.press('i');
  await terminal.shows(/uid_map empty; gid_map empty; setgroups allow/);
  terminal.press('m');
  const before = await terminal.shows(/the kernel says now:/);
  const pid = Number(/P is process (\d+) on the host/.exec(before)?.[1]);
  assert.ok(before.includes(`UTS     ${readlinkSync(`/proc/${pid}/ns/uts`)} its own`), before);
  assert.ok(before.includes(`IPC     ${readlinkSync('/proc/self/ns/ipc')} the host’s`), before);
  // The call that is shown is the call that is made: with the process ID that P has.
  assert.ok(before.includes(`write(fd: /proc/${pid}/uid_map, buf: "0 ${unprivileged.uid} 1\\n"`), before);
  terminal.press('Enter');
  await stopsAt(terminal, '3/6');
  terminal.press('i');
  await terminal.shows(
    new RegExp(`uid_map 0 ${unprivileged.uid} 1; gid_map 0 ${unprivileged.gid} 1; setgroups deny`),
  );
  terminal.press('q');
  await terminal.shows(/^ended 130$/m);
});

test('c runs on without stopping, and other keys explain', { skip: noTmux }, async () => {
  const terminal = await open(unprivileged);
  await launch(terminal, 'run --uid --uts --step --quiet -- stty -a');
  await stopsAt(terminal, '1/6');
  terminal.press('?');
  await terminal.shows(/q {6}gives up/);
  terminal.press('c');
  const text = await terminal.shows(/^ended 0$/m);
  assert.match(
    text,
    /[^-]isig [^-]*icanon[\s\S]*[^-]echo /,
    'the command finds the terminal as the shell left it',
  );
  assert.match(text, /\n +6\/6 /);
  assert.doesNotMatch(text, prompt);
  await isRestored(terminal);
});

test('keys come from the terminal, standard input belongs to the command', { skip: noTmux }, async () => {
  const file = join(folder(), 'input');
  writeFileSync(file, 'q\nfrom the file\n');
  const terminal = await open(unprivileged);
  await launch(terminal, `run --uid --step --quiet -- cat < ${file}`);
  for (const step of numbered(5)) {
    await stopsAt(terminal, step);
    terminal.press('Enter');
  }
  assert.match(await terminal.shows(/^ended 0$/m), /\nq\nfrom the file\nended 0/);
});

test('Ctrl-C gives up, at any step', { skip: noTmux }, async () => {
  const terminal = await open(unprivileged);
  for (const last of [1, 2, 3, 4, 8, 9]) {
    await launch(terminal, 'run --all --step --quiet');
    for (const step of numbered(last - 1).map((_, index) => `${index + 1}/9`)) {
      await stopsAt(terminal, step);
      terminal.press('Enter');
    }
    await stopsAt(terminal, `${last}/9`);
    const pids = descendantsOf(terminal.pid);
    terminal.press('C-c');
    assert.match(await terminal.shows(/^ended 130$/m), /given up because of SIGINT/);
    await allGone(pids);
    await isRestored(terminal);
  }
});

test('a signal gives a walk up, and SIGKILL takes everything along', { skip: noTmux }, async (context) => {
  const terminal = await open(unprivileged);
  const times: string[] = [];
  const cases = [
    { signal: 'SIGTERM', status: 143, steps: [2, 9] },
    { signal: 'SIGHUP', status: 129, steps: [5] },
    { signal: 'SIGKILL', status: 137, steps: numbered(9).map((_, index) => index + 1) },
  ] as const;
  for (const { signal, status, steps } of cases) {
    for (const last of steps) {
      // It needs the terminal, and none of the standard streams.
      await launch(terminal, 'run --all --step --quiet </dev/null >/dev/null 2>&1');
      for (let step = 1; step < last; step += 1) {
        await stopsAt(terminal, `${step}/9`);
        terminal.press('Enter');
      }
      await stopsAt(terminal, `${last}/9`);
      const pids = descendantsOf(terminal.pid);
      const launcher = pids.find((pid) => commandLine(pid).includes(' run --all')) as number;
      assert.ok(pids.length >= (last === 1 ? 1 : 2), `${pids}`);
      const began = performance.now();
      process.kill(launcher, signal);
      await allGone(pids);
      if (signal === 'SIGKILL')
        times.push(`${(performance.now() - began).toFixed(0)} ms before step ${last}`);
      await terminal.shows(new RegExp(`ended ${status}$`, 'm'));
      // Nobody can restore a terminal after SIGKILL; a shell with line editing does it itself.
      if (signal === 'SIGKILL') terminal.type('stty sane');
      else await isRestored(terminal);
    }
  }
  context.diagnostic(`after SIGKILL everything was gone: ${times.join(', ')}`);
});

test('the log goes to its file, and on the terminal each step is shown once', { skip: noTmux }, async () => {
  const file = join(folder(unprivileged), 'log');
  const terminal = await open(unprivileged);
  await launch(terminal, `run --uid --uts --step --log-file ${file} -- true`);
  await stopsAt(terminal, '1/6');
  terminal.press('c');
  const text = await terminal.shows(/^ended 0$/m);
  const steps = records(file).filter(({ shell }) => shell !== undefined);
  assert.equal(steps.length, 6);
  for (const { msg } of steps) assert.equal(text.split(String(msg)).length, 2, String(msg));
});

test('--step without a terminal is refused', { skip: lacking('setsid') }, async () => {
  const { status, stderr, stdout } = await run(['run', '--uid', '--step', '--', 'echo', 'no'], {
    under: ['setsid', '--wait'],
  });
  assert.equal(status, 2);
  assert.equal(stdout, '');
  assert.match(
    stderr,
    /^gontainer: --step waits for keys at a terminal, and there is none\. .* --dry-run\.\n$/,
  );
});
