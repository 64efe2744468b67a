/**
 * Measures, as an ordinary user where it is started by root, and prints what was found as JSON. Started by
 * scripts/bench.ts with a Plan.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Case, furnished, nodeCases, otherCases, type Place, readTerminal } from './cases.js';
import { commands } from './commands.js';
import { compareCalls, ratios } from './kernel-calls.js';
import { memory } from './memory.js';
import type { Findings, Part, Plan } from './plan.js';
import { pulling } from './pulling.js';
import { type Result, takeTurns } from './turns.js';
import { throughput, withContainers, withMounts } from './under-load.js';
import { unpacking } from './unpacking.js';

async function measure({ program, before, nodes, rounds, parts }: Plan, place: Place): Promise<Findings> {
  const wanted = (part: Part): boolean => parts.includes(part);
  const others = otherCases(place);
  const start = wanted('start') ? startResults() : undefined;
  const few = Math.max(3, Math.ceil(rounds / 3));
  const found: Findings['nodes'][number][] = [];
  for (const { version, binary } of nodes) {
    const launch = [program, ...furnished(place), '--quiet'];
    const calls = wanted('calls')
      ? compareCalls({ words: [binary, ...launch, '--', '/bin/true'] }, others, few, place.scratch)
      : undefined;
    found.push({
      version,
      ...(start && { start: start(version) }),
      ...(wanted('memory') && { memory: await memory(binary, launch) }),
      ...(calls && { calls: { ...calls, ratios: ratios(calls) } }),
    });
  }
  // What does not depend on the version of Node is measured with one of them.
  const last = found.at(-1);
  const binary = nodes.at(-1)?.binary;
  if (last !== undefined && binary !== undefined) {
    Object.assign(last, {
      ...(wanted('throughput') && { throughput: throughput(binary, place, few * 4) }),
      ...(wanted('mounts') && { mounts: await withMounts(binary, place, few) }),
      ...(wanted('containers') && { containers: await withContainers(binary, place, few) }),
      ...(wanted('exec') && { exec: await commands(program, few) }),
      ...(wanted('images') && { images: unpacking(binary, place, few) }),
      ...(wanted('pull') && { pull: await pulling(binary, place, few) }),
    });
  }
  return { nodes: found, ...(start && { others: start('') }) };

  /** All versions and the other programs in the same rounds. */
  function startResults(): (version: string) => Result[] {
    const terminal = readTerminal();
    const cases = [
      ...nodes.flatMap(({ version, binary }) =>
        casesOf(version, binary, terminal.path).map((one) => ({ ...one, id: `${version} ${one.id}` })),
      ),
      ...others.map((one) => ({ ...one, id: ` ${one.id}` })),
    ];
    const results = takeTurns(cases, rounds);
    terminal.release();
    return (version) =>
      results
        .filter(({ id }) => id.startsWith(`${version} `))
        .map((result) => ({ ...result, id: result.id.slice(version.length + 1) }));
  }

  /** Each followed by the same of the version before, where there is one. */
  function casesOf(version: string, binary: string, terminal: string): Case[] {
    const ours = nodeCases(version, binary, place, terminal);
    if (before === undefined) return ours;
    const earlier = nodeCases(version, binary, { ...place, program: before }, terminal);
    return ours.flatMap((one, index) => {
      const { id, title, floor } = one;
      const other = { ...(earlier[index] as Case), id: `before ${id}`, title: `${title}, before` };
      return floor === undefined ? [one] : [one, other];
    });
  }
}

/** As an ordinary user nothing that was not loaded yet may be readable: everything is imported above. */
if (process.getuid?.() === 0) {
  process.setgroups?.([]);
  process.setgid?.(54_321);
  process.setuid?.(54_321);
}
const plan = JSON.parse(process.argv[2] ?? '') as Plan;
const scratch = mkdtempSync(join(tmpdir(), 'gontainer-bench-'));
try {
  process.env.XDG_RUNTIME_DIR = join(scratch, 'run');
  mkdirSync(process.env.XDG_RUNTIME_DIR, { mode: 0o700 });
  const rootfs = join(scratch, 'rootfs');
  const made = spawnSync(String(plan.nodes[0]?.binary), [plan.program, 'rootfs', 'create', rootfs]);
  if (made.status !== 0) throw new Error(String(made.stderr));
  const found = await measure(plan, { program: plan.program, rootfs, scratch });
  process.stdout.write(`${JSON.stringify(found)}\n`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
