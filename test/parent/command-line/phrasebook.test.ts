/** Whoever types what Docker calls it is told what it is called here, and nothing is suggested that is then refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Failure } from '../../../src/common/failure.js';
import { flagPhrases, wordPhrases } from '../../../src/parent/command-line/phrasebook.js';
import { readLine } from '../../../src/parent/command-line/read-line.js';
import { commands } from '../../../src/parent/commands/index.js';
import { folder, run } from '../../gontainer.js';

/** What is said about a line that cannot be read. */
function said(...line: string[]): string {
  try {
    readLine(line, commands);
  } catch (error) {
    const { message, next } = error as Failure;
    return `${message}. ${next}`;
  }
  throw new Error(`${line.join(' ')} was read`);
}

/** The command lines of gontainer in a text, each up to the end of its clause. */
const linesIn = (text: string): string[][] =>
  [...text.matchAll(/gontainer ((?:[a-z]+ )?[^.;:,…]*)/g)].map(
    ([, line = '']) =>
      line
        .trim()
        .split(/ gives | \(| \| /)[0]
        ?.split(' ') ?? [],
  );

test('every word that stands for a subcommand is answered, and the line suggested is one that is read', () => {
  for (const { typed, use } of wordPhrases) {
    for (const word of typed) {
      const text = said(word, '-it', 'box');
      assert.match(text, new RegExp(`^unknown command “${word}”\\. .`), word);
      if (use !== undefined) {
        assert.ok(text.endsWith(`Use: gontainer ${use}`), text);
        assert.equal(readLine(use.split(' '), commands).asks, 'run', use);
      }
    }
  }
});

test('no word of the phrasebook is a subcommand, and none is answered twice', () => {
  const words = wordPhrases.flatMap(({ typed }) => typed);
  assert.equal(new Set(words).size, words.length);
  const names = commands.flatMap(({ name }) => [name, name.split(' ')[0]]);
  assert.deepEqual(
    words.filter((word) => names.includes(word)),
    [],
  );
});

test('every flag is answered for every subcommand, with options that this subcommand has', () => {
  for (const { name, options } of commands) {
    const known = options.flatMap((option) => [option.name, option.alias]);
    for (const { typed, of } of flagPhrases) {
      if (of !== undefined && !of.includes(name)) continue;
      for (const flag of typed.filter((candidate) => !known.includes(candidate))) {
        const text = said(...name.split(' '), `${flag.length === 1 ? '-' : '--'}${flag}`, '/a:/b');
        assert.doesNotMatch(text, /Did you mean|See:|undefined/, `${name} ${flag}: ${text}`);
        const suggested = /\. Use (.*)/.exec(text)?.[1] ?? '';
        for (const [, option] of suggested.matchAll(/--([a-z][a-z-]*)/g))
          assert.ok(known.includes(option), `${name} ${flag}: ${text}`);
        for (const line of linesIn(text).filter(([word]) => word !== 'run' || name !== 'run'))
          assert.ok(readLine(line, commands), `${name} ${flag}: ${text}`);
      }
    }
  }
});

test('what is suggested for run is carried out by run', async () => {
  const root = folder();
  const values: Record<string, string> = {
    'SRC:DST': '/etc:/x',
    DIR: root,
    'NAME=VALUE': 'a=b',
    'UID[:GID]': '0',
    SIZE: '64m',
    N: '100',
  };
  for (const { use } of flagPhrases.filter(
    ({ option, of }) => option !== undefined && option !== 'ended' && of === undefined,
  )) {
    const words = (use as string)
      .split(/[ ,]+/)
      .filter((word) => word.startsWith('--') || word in values || word === 'all')
      .map((word) => values[word] ?? word);
    const given = words.includes('--cap-keep') && !words.includes('all') ? [...words, 'all'] : words;
    const { status, stderr } = await run(['run', '--uid', ...given, '--dry-run', '--', '/x/hostname']);
    const wrong = status === 2 ? stderr : '';
    assert.equal(wrong, '', given.join(' '));
  }
});

const cases: readonly [words: string[], expected: RegExp][] = [
  [['exec', '-it', 'box', 'sh'], /unknown command “exec”\. Use: gontainer enter NAME -- COMMAND/],
  [['stop', 'box'], /unknown command “stop”\. Use: gontainer kill NAME/],
  [['pull', 'alpine'], /unknown command “pull”\. Use: gontainer rootfs pull IMAGE DIR/],
  [['images'], /unknown command “images”\. Use: gontainer rootfs list/],
  [['run', '-it', '--uid'], /unknown option -it\. It is not needed: the command uses your terminal\./],
  [['run', '-v', '/a:/b', '--uid'], /unknown option -v\. Use --bind SRC:DST\./],
  [['run', '-v=data:/b', '--uid'], /unknown option -v\. Use --bind/],
  [['run', '-v/a:/b', '--uid'], /unknown option -v\/a:\/b\. Use --bind/],
  [
    ['enter', '-v', '/a:/b', 'box'],
    /unknown option -v\. What a container sees of the host is chosen at its start/,
  ],
  [['run', '--uid', '-e', 'A=b'], /unknown option -e\. Use --env NAME=VALUE\./],
  [['run', '--uid', '-eA=b'], /unknown option -eA\. Use --env NAME=VALUE\./],
  [['run', '--uid', '-d'], /unknown option -d\. Use --detach\./],
  [['enter', '-d', 'box'], /unknown option -d\. Only a new container can be left in the background/],
  [['run', '--uid', '-p', '80:80'], /unknown option -p\. Ports are not published: /],
  [['run', '--rm', '--uid'], /unknown option --rm\. It is not needed: /],
  [['-it'], /unknown option -it\. It is not needed/],
  [['--uid', '--net'], /nothing to do: --uid --net needs the word run\. Try: gontainer run --uid --net/],
  [['help', 'exec'], /unknown command “exec”\. Use: gontainer enter/],
  [['run', '--uid', '-dit'], /unknown option -dit\. Use --detach\./],
  [['run', '--uid', '-itd'], /unknown option -itd\. Use --detach\./],
  [
    ['run', '--uid', '-h', 'box', '--', 'true'],
    /-h shows the help, and takes no value\. Use --uts --hostname NAME\./,
  ],
  [['run', '--uid', '-h=box'], /-h shows the help, and takes no value\. Use --uts --hostname NAME\./],
  [
    ['run', '--uid', '--net=host'],
    /--net takes no value, and got “host”\. Leave it out: without it the command stays in/,
  ],
  [['run', '--uid', '--pid=host'], /--pid takes no value, and got “host”\. Leave it out/],
  [
    ['run', '--uid', '--net=none'],
    /--net takes no value, and got “none”\. Use --net: it gives a namespace of its own\./,
  ],
  [
    ['run', '--uid', '--ip=1.2.3.4'],
    /unknown option --ip\. Without --net the command uses the network of the host/,
  ],
  [['run', '--uid', '--userns=host'], /unknown option --userns\. gontainer run --uid gives a user namespace/],
  [['run', '--uid', '-q'], /unknown option -q\. Use --quiet\./],
  [['run', '--rootfs', '/x'], /unknown option --rootfs\. Use --mnt DIR\./],
  [['run', '--uid', '--device=/dev/x'], /unknown option --device\. Use --bind SRC:DST/],
  [['run', '--nosuch'], /unknown option --nosuch\. See: gontainer run --help\n/],
  [['ps', '-q'], /unknown option -q\. Use --json\./],
  [['ps', '-aq'], /unknown option -aq\. Use --ended\./],
  [['ps', '--all'], /unknown option --all\. Use --ended\./],
  [['enter', '--user=0', 'box'], /unknown option --user\. The user is chosen at the start/],
  [['enter', '--detach', 'box'], /unknown option --detach\. Only a new container/],
  [['enter', '--workdir=/x', 'box'], /unknown option --workdir\. Change the directory in the command/],
  [
    ['logs', '-f', 'box'],
    /unknown option -f\. The log is a file, which tail -f follows: gontainer run --log-file FILE\./,
  ],
  [
    ['logs', '--tail=3', 'box'],
    /unknown option --tail\. All of it is printed: gontainer logs NAME \| tail\./,
  ],
  [
    ['kill', '-9', 'box'],
    /-9 is not a container: the signal is the word after the name\. Try: gontainer kill box 9\n/,
  ],
  [
    ['kill', '-KILL', 'box'],
    /unknown option -KILL\. The signal is the word after the name: gontainer kill NAME KILL\./,
  ],
  [['rootfs', 'rm', 'x'], /unknown command “rootfs rm”\. Use: gontainer rootfs remove DIR\n/],
  [['rootfs', 'ls'], /unknown command “rootfs ls”\. Use: gontainer rootfs list\n/],
  [['rootfs', 'lst'], /unknown command “rootfs lst”\. Did you mean rootfs list\?\n/],
  [['image', 'rm', 'x'], /unknown command “image rm”\. Use: gontainer rootfs remove DIR\n/],
  [['rename', 'a', 'b'], /unknown command “rename”\. /],
  [['-hlep'], /unknown option -hlep\. Did you mean -help\?/],
];

for (const [words, expected] of cases) {
  test(`gontainer ${words.join(' ')} is answered in one sentence, with status 2`, async () => {
    const { status, stdout, stderr } = await run(words);
    assert.match(stderr, /^gontainer: [^\n]*\n$/);
    assert.match(stderr, expected);
    assert.deepEqual([status, stdout], [2, '']);
  });
}

test('help and version are words too, and -v alone asks for the version', async () => {
  for (const [words, expected] of [
    [['help'], /^A container is only namespaces\./],
    [['help', 'kill'], /^send a signal to the command of a container\n/],
    [['help', 'rootfs'], /gontainer rootfs create/],
    [['version'], /^gontainer \d+\.\d+\.\d+\n$/],
    [['run', '-v'], /^gontainer \d+\.\d+\.\d+\n$/],
  ] as const) {
    const { status, stdout, stderr } = await run([...words]);
    assert.deepEqual([status, stderr], [0, ''], words.join(' '));
    assert.match(stdout, expected);
  }
});
