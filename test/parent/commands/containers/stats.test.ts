/** What gontainer stats makes of the numbers that it reads; what these are: test/common/cgroup. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type UsageRow, usageTable } from '../../../../src/parent/commands/containers/usage-table.js';
import { folder, lacking, unprivileged } from '../../../gontainer.js';
import { TerminalSession } from '../../../terminal-session.js';

const row = (changes: Partial<UsageRow> = {}): UsageRow => ({
  name: 'box',
  started: 1,
  at: 10_000,
  usage: { cpuTime: 5_000_000 },
  ...changes,
});

/** The cells of the only line below the headings. */
const cells = (now: UsageRow, before: readonly UsageRow[]): Record<string, string | undefined> => {
  const [headings = '', line = ''] = usageTable([now], before).split('\n');
  const words = (text: string): string[] => text.trim().split(/ {2,}/);
  return Object.fromEntries(words(headings).map((heading, index) => [heading, words(line)[index]]));
};

test('the share of a processor is that of the time that has passed', () => {
  const earlier = row();
  const later = row({ at: 14_000, usage: { cpuTime: 7_000_000 } });
  assert.equal(cells(later, [earlier]).CPU, '50%');
});

test('a new container has no share yet, though an earlier one had its name', () => {
  const earlier = row();
  const later = row({ started: 2, at: 11_000, usage: { cpuTime: 1_000 } });
  assert.equal(cells(later, [earlier]).CPU, '-');
  assert.equal(cells(later, []).CPU, '-');
});

test('a pressure that the kernel does not show is not called 0', () => {
  for (const [usage, shown] of [
    [{ memoryPressure: 1.5, cpuPressure: 0 }, 'memory 1.5%, cpu 0%'],
    [{ memoryPressure: 1.5 }, 'memory 1.5%'],
    [{ cpuPressure: 2 }, 'cpu 2%'],
    [{}, '-'],
  ] as const)
    assert.equal(cells(row({ usage }), []).PRESSURE, shown);
});

test('at a terminal, too, it is said that no container runs', {
  skip: lacking('tmux', 'setpriv'),
}, async () => {
  const terminal = new TerminalSession(unprivileged);
  await terminal.shows(/outside\$/);
  terminal.type(`XDG_RUNTIME_DIR=${folder(unprivileged)} gontainer stats; echo "over: $((1 + 1))"`);
  assert.match(await terminal.shows(/^over: 2$/m), /^No containers are running\.$/m);
});
