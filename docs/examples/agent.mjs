/**
 * An agent's sandbox: what a model proposes is run, one line after the other, in one container.
 *
 *     node agent.mjs PROJECT < commands
 *
 * The commands may change the project, but neither what git runs (.git/hooks) nor what an editor runs (.vscode); they see
 * no keys, and have no network.
 */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { open, sandbox } from 'gontainer';

const project = resolve(process.argv[2] ?? '.');
const within = (name) => join(project, name);

const options = sandbox({
  write: [project],
  read: ['.git/hooks', '.git/config', '.vscode'].map(within),
  hide: [join(homedir(), '.ssh'), join(homedir(), '.aws'), within('.env')],
});
console.log(options.commandLine);

const box = await open({ ...options, workdir: project });
try {
  for await (const line of createInterface({ input: process.stdin })) {
    const { status, reason, stdout, stderr } = await box.exec(['sh', '-c', line], {
      timeout: 30,
      maxOutput: 100_000,
    });
    // What a model would be told.
    console.log(JSON.stringify({ line, status, reason, stdout, stderr }));
  }
} finally {
  await box.close();
}
