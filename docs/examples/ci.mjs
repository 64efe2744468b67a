/**
 * A CI runner: the steps of a job change a layer over the project that is in memory only, and the job ends with the first
 * step that fails. What is to be kept they put into the folder of artefacts.
 *
 *     node ci.mjs PROJECT ARTEFACTS 'npm ci' 'npm test'
 */
import { resolve } from 'node:path';
import { launch, sandbox } from 'gontainer';

const [project, artefacts] = process.argv.slice(2, 4).map((path) => resolve(path));
const options = sandbox({ write: [artefacts] });

// One container for the job: a shell runs the steps, so that each finds what those before it have made.
const steps = process.argv.slice(4).flatMap(() => ['echo "--- $1"', 'sh -c "$1" || exit', 'shift']);
const { ended } = launch({
  ...options,
  bind: [...(options.bind ?? []), `${project}:${project}:overlay`],
  workdir: project,
  env: [`ARTEFACTS=${artefacts}`],
  timeout: 3600,
  command: ['sh', '-c', steps.join('\n'), 'sh', ...process.argv.slice(4)],
  stdio: ['ignore', 'inherit', 'inherit'],
});
const { status, reason } = await ended;
console.log(`--- ${status === 0 ? 'passed' : `failed: ${reason}, status ${status}`}`);
process.exitCode = status;
