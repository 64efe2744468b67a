import { inform } from '../../../common/print.js';
import { shownText } from '../../../common/shown-text.js';
import type { Subcommand } from '../../command-line/subcommand.js';

export const reportCommand: Subcommand = {
  name: 'report',
  summary: 'draw a launch from its log, as one web page',
  positionals: [{ name: 'LOG', describe: 'a log written by gontainer run --log-file' }],
  options: [
    {
      name: 'output',
      alias: 'o',
      kind: 'text',
      value: 'FILE',
      describe: 'write the page to FILE; by default LOG with the ending .html',
      group: 'Report',
    },
  ],
  examples: [
    ['gontainer run --all --log-file run.ndjson -- id', 'launch, and write a log'],
    ['gontainer report run.ndjson -o run.html', 'draw it; then open run.html in a browser'],
  ],
  anywhere: () => true,
  run: async ({ options, positionals }) => {
    const { reportOnLog } = await import('../../drawing/write-report.js');
    const log = positionals.LOG as string;
    const output = String(options.output ?? `${log.replace(/\.(ndjson|json|log)$/, '')}.html`);
    reportOnLog(log, output);
    inform(`gontainer: the report is ${shownText(output)}\n`);
    return 0;
  },
};
