/** A process that holds a placeholder again and again and gives it back. It says how often what it held was not there. */
import { existsSync } from 'node:fs';
import { Recorder } from '../../../src/common/kernel/recorder.js';
import { holdPlaceholder, releasePlaceholder } from '../../../src/parent/state/placeholders.js';

const [path = '', kind, times] = process.argv.slice(2);
const kernel = new Recorder('parent', 0n, () => {});
let missed = 0;
for (let time = 0; time < Number(times); time += 1) {
  const held = holdPlaceholder(kernel, path, kind === 'file' ? 'file' : 'directory');
  if (held === undefined || !existsSync(path)) missed += 1;
  if (held !== undefined) releasePlaceholder(kernel, held);
}
process.stdout.write(String(missed));
