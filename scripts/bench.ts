/**
 * `npm run bench`: how long start-up takes, in every mode and with every Node that is there, beside bare Node,
 * unshare(1) and bubblewrap in the same rounds. Prints tables and writes JSON.
 *
 *   --rounds N      how often everything takes its turn (20)
 *   --only PARTS    start, memory, calls, throughput, mounts, containers, images, pull, exec; with commas in between
 *   --nodes LIST    20,24: the versions to measure with; installed if need be. All that are there when it is left out
 *   --against FOLDER  a checkout of another version that is built: its starts take turns with ours
 *   --json FILE     where the findings are written (bench.json)
 *   --docs          writes a table into docs/performance.md too, and draws docs/start-up.svg
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { aroundMarks } from './around-marks.js';
import { phasesPicture } from './bench/phases-picture.js';
import { type Findings, type Part, type Plan, parts } from './bench/plan.js';
import { startSummary, tables } from './bench/tables.js';
import { copyProgram } from './copy-program.js';
import { readWords } from './read-words.js';
import { makeRunFolder, removeRunFolder } from './run-folder.js';
import { nodeBinary, presentVersions } from './test-nodes.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const { values } = readWords({
  options: {
    rounds: { type: 'string', default: '20' },
    only: { type: 'string', default: parts.join(',') },
    nodes: { type: 'string', default: presentVersions().join(',') },
    against: { type: 'string' },
    json: { type: 'string', default: join(root, 'bench.json') },
    docs: { type: 'boolean', default: false },
  },
});

if (values.docs && values.against)
  throw new Error('--docs writes what this version takes, so without --against');
const unknown = values.only.split(',').find((part) => !parts.includes(part as Part));
if (unknown !== undefined) throw new Error(`there is no part “${unknown}”, only ${parts.join(', ')}`);
const binaries =
  values.nodes === ''
    ? [process.execPath]
    : values.nodes.split(',').map((version) => nodeBinary(Number(version)));
const versionOf = (binary: string): string =>
  spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout.trim().slice(1);
const copy = makeRunFolder();
try {
  copyProgram(copy);
  const { against } = values;
  const before = against && join(copy, 'before');
  if (against && before) copyProgram(before, undefined, resolve(against));
  const program = join(copy, 'dist/main.cjs');
  const plan: Plan = {
    program,
    before: before && join(before, 'dist/main.cjs'),
    nodes: binaries.map((binary) => ({ version: versionOf(binary), binary })),
    rounds: Number(values.rounds),
    parts: values.only.split(',') as Part[],
  };
  // The owner's first launch keeps compiled code for those that follow; the measured ones may have other credentials.
  for (const { binary } of plan.nodes)
    for (const one of [program, plan.before])
      if (one !== undefined)
        spawnSync(binary, [one, 'run', '--uid', '--quiet', '--', 'true'], { stdio: 'ignore' });
  const { stdout, status } = spawnSync(
    process.execPath,
    ['--import', 'tsx', join(root, 'scripts/bench/measure.ts'), JSON.stringify(plan)],
    { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8', maxBuffer: 1 << 26 },
  );
  if (status !== 0) throw new Error(`the measurement ended with status ${status}`);
  const found = JSON.parse(stdout) as Findings;
  const machine = `${cpus().length} cores, Linux ${release().replace(/-.*/, '')}, ${process.arch}; ${plan.rounds} rounds.`;
  writeFileSync(values.json, `${JSON.stringify({ machine, ...found }, undefined, 2)}\n`);
  const text = `${machine}\n\n${tables(found)}`;
  console.log(text);
  if (values.docs) {
    writeIntoDocs(`${machine}\n\n${startSummary(found)}`);
    drawPhases(found);
  }
} finally {
  await removeRunFolder(copy);
}

/** Puts the table between the two marks of docs/performance.md. */
function writeIntoDocs(text: string): void {
  const file = join(root, 'docs/performance.md');
  const { head, tail } = aroundMarks(readFileSync(file, 'utf8'), 'bench');
  writeFileSync(file, `${head}\n\n${text}\n\n${tail}`);
}

/** Draws the launch with the newest Node that was measured. */
function drawPhases({ nodes }: Findings): void {
  const { version = '', start = [] } = nodes.at(-1) ?? {};
  const [bare, launch] = ['bare', 'launch'].map((id) => start.find((result) => result.id === id));
  if (bare === undefined || launch?.phases === undefined) return;
  const picture = phasesPicture(launch.phases, version, bare.wall.median);
  writeFileSync(join(root, 'docs/start-up.svg'), picture);
}
