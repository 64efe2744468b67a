/** What `npm test` prints, of test files that are made to pass, to fail, to be skipped, to crash and to leave things. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { endWithTest, folder, project, users } from '../gontainer.js';
import { isAlive } from '../remains.js';
import { lacking, systemPackages } from '../system-packages.js';
import { TerminalSession } from '../terminal-session.js';
import { until } from '../until.js';

const head = `import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
`;

const words = ['--import', 'tsx', join(project, 'scripts/test.ts')];
/** A run of its own: node:test tells what it starts, by the environment, that it is a part of it. */
function environment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT, ...env } = process.env;
  return { ...env, TMPDIR: folder(), ...more };
}

/** Runs one test file with this text. */
function report(text: string, options: readonly string[] = [], more?: Readonly<Record<string, string>>) {
  const file = join(folder(), 'some.test.mjs');
  writeFileSync(file, head + text);
  const env = environment(more);
  const { status, stdout } = spawnSync(process.execPath, [...words, file, ...options], {
    cwd: project,
    env,
    encoding: 'utf8',
  });
  return { status, stdout, last: stdout.trimEnd().split('\n').at(-1), temporary: String(env.TMPDIR) };
}

/** Whoever runs the tests. */
const self = users.find(({ uid }) => uid === process.getuid?.());

/** What lies in a folder beside what tsx keeps of the files that it has compiled. */
const left = (path: string): string[] => readdirSync(path).filter((name) => !name.startsWith('tsx-'));

test('tests that pass end with the count, alone on the last line', () => {
  const { status, stdout, last } = report(`test('one', () => {}); test('two', () => {});`);
  assert.equal(last, '2 passed, 0 failed, 0 skipped');
  assert.match(stdout, /^ok +\S+some\.test\.mjs {2}2 passed, \d+\.\d s$/m);
  assert.equal(status, 0);
});

test('a failed test is shown with its reason, and a command that repeats that test and no other', () => {
  const text = `test('it costs $1 (or more)', () => assert.equal(1, 2)); test('other', () => {});`;
  const { status, stdout, last } = report(text);
  assert.equal(last, '1 passed, 1 failed, 0 skipped');
  assert.match(stdout, /Expected values to be strictly equal/);
  assert.equal(status, 1);
  const [, pattern = ''] = /to repeat it: npm test -- \S+ '(--test-name-pattern=.+)'$/m.exec(stdout) ?? [];
  const repeated = report(text, [pattern]);
  assert.equal(repeated.last, '0 passed, 1 failed, 0 skipped');
});

test('a failed subtest is named with the tests that it is part of, and counted once', () => {
  const { stdout, last } = report(`test('outer', async (t) => {
    await t.test('good', () => {});
    await t.test('middle', async (t) => { await t.test('bad', () => { throw new Error('the reason'); }); });
  });`);
  assert.match(stdout, /^ {2}outer › middle › bad$/m);
  assert.equal(stdout.match(/the reason/g)?.length, 1);
  assert.equal(last, '1 passed, 1 failed, 0 skipped');
});

test('a folder is all test files in it, and what is neither is one sentence', () => {
  const place = folder();
  for (const name of ['one.test.mjs', 'two.test.mjs', 'other.mjs'])
    writeFileSync(join(place, name), `${head}test('it', () => {});`);
  const run = (named: string) =>
    spawnSync(process.execPath, [...words, named], { cwd: project, env: environment(), encoding: 'utf8' });
  const nowhere = run(join(place, 'nowhere'));
  assert.equal(nowhere.stderr, `${join(place, 'nowhere')} is not a test file or a folder with test files.\n`);
  assert.equal(nowhere.status, 2);
  assert.equal(run(place).stdout.trimEnd().split('\n').at(-1), '2 passed, 0 failed, 0 skipped');
});

test('a file that ends before its tests do is a failure, shown with what it printed', () => {
  const { status, stdout, last } = report(`console.log('said before'); throw new Error('broken file');`);
  assert.match(stdout, /said before/);
  assert.match(stdout, /broken file/);
  assert.equal(last, '0 passed, 1 failed, 0 skipped');
  assert.equal(status, 1);
});

test('what is skipped is listed once by reason, with one command that installs all that is lacking', () => {
  const { status, stdout, last } = report(`
    test('a', { skip: 'needs perl and tmux (apt-get install perl-base tmux)' }, () => {});
    test('b', { skip: 'needs tmux (apt-get install tmux)' }, () => {});
    test('c', { skip: 'needs root' }, () => {});
    test('d', { skip: 'needs root' }, () => {});`);
  assert.match(stdout, /^ +2 {2}needs root$/m);
  assert.match(stdout, /^To run them: apt-get install perl-base tmux$/m);
  assert.equal(last, '0 passed, 0 failed, 4 skipped');
  assert.equal(status, 0);
});

test('a process that a test leaves is killed, and fails the run', () => {
  const { status, stdout, last, temporary } = report(`
    test('leaves a process', () => {
      spawn('sh', ['-c', ': "$0"; sleep 1000; :', process.env.TMPDIR], { detached: true, stdio: 'ignore' }).unref();
    });`);
  assert.match(stdout, /Left running by the tests, and killed: sh -c /);
  assert.equal(last, '1 passed, 0 failed, 0 skipped');
  assert.equal(status, 1);
  assert.deepEqual(left(temporary), []);
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} ends the run, its tests and what they have started, and leaves no file`, async () => {
    const place = folder();
    const [file, pidFile] = [join(place, 'some.test.mjs'), join(place, 'pid')];
    writeFileSync(
      file,
      `${head}test('waits', () => new Promise(() => {
        const child = spawn('sh', ['-c', ': "$0"; sleep 1000; :', process.env.TMPDIR], { stdio: 'ignore' });
        writeFileSync(${JSON.stringify(pidFile)}, String(child.pid));
        console.log('started');
        setInterval(() => {}, 1000);
      }));`,
    );
    const env = environment();
    const run = endWithTest(
      spawn(process.execPath, [...words, file], { cwd: project, env, stdio: 'ignore' }),
    );
    await until('it does not begin', () => existsSync(pidFile) && readFileSync(pidFile, 'utf8') !== '');
    run.kill(signal);
    const [status] = await once(run, 'exit');
    assert.equal(status, { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[signal]);
    assert.equal(isAlive(Number(readFileSync(pidFile, 'utf8'))), false);
    assert.deepEqual(left(String(env.TMPDIR)), []);
  });
}

test('a terminal that is closed ends the run, and it leaves no file', {
  skip: lacking('tmux', 'setpriv'),
}, async () => {
  const place = folder();
  const [file, begun] = [join(place, 'some.test.mjs'), join(place, 'begun')];
  writeFileSync(
    file,
    `${head}test('waits', () => new Promise(() => {
      writeFileSync(${JSON.stringify(begun)}, '');
      setInterval(() => console.log('still here'), 10);
    }));`,
  );
  const temporary = folder();
  const terminal = new TerminalSession(self);
  const command = [process.execPath, ...words, file].join("' '");
  terminal.type(`cd '${project}'; env -u NODE_TEST_CONTEXT TMPDIR=${temporary} '${command}'`);
  await until('it does not begin', () => existsSync(begun));
  assert.notDeepEqual(left(temporary), []);
  await terminal.close();
  await until(
    () => `left: ${left(temporary).join(', ')}`,
    () => left(temporary).length === 0,
  );
});

test('tests do not see options of Node, another language or another umask of the caller', () => {
  const text = `test('sees', () => {
    assert.equal(process.env.NODE_OPTIONS, undefined);
    assert.equal(process.env.LC_ALL, 'C.UTF-8');
    assert.ok(process.env.PATH.split(':').includes('/usr/sbin'));
    assert.equal(process.umask(), 0o022);
  });`;
  const more = {
    NODE_OPTIONS: '--no-deprecation',
    LANG: 'de_DE.UTF-8',
    PATH: '/usr/local/bin:/usr/bin:/bin',
  };
  const before = process.umask(0o077);
  try {
    assert.equal(report(text, [], more).last, '1 passed, 0 failed, 0 skipped');
  } finally {
    process.umask(before);
  }
});

test('a program that no package is known for cannot be asked for', () => {
  assert.throws(() => lacking('no-such-program'), /does not say which package has no-such-program/);
});

test('.ci/run installs every package that a test may need', () => {
  const script = readFileSync(join(project, '.ci/run'), 'utf8');
  const [, list = ''] = /^packages=\(([^)]*)\)/m.exec(script) ?? [];
  const installed = new Set(list.split(/\s+/));
  assert.deepEqual(
    systemPackages.filter((name) => !installed.has(name)),
    [],
  );
});
