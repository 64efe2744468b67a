import type { Command } from '../../command-line/subcommand.js';

export const reportCommand: Command = {
  name: 'report',
  summary: 'draw a launch from its log, as one web page',
  positionals: [{ name: 'LOG', describe: 'a log that gontainer run --log-file wrote' }],
  options: [
    {
      name: 'output',
      alias: 'o',
      kind: 'text',
      value: 'FILE',
      describe: 'the page to write; LOG with .html at its end when it is left out',
      group: 'Report',
    },
  ],
  examples: [
    ['gontainer run --all --log-file run.ndjson -- id', 'a launch with a log'],
    ['gontainer report run.ndjson -o run.html', 'its report; open run.html in a browser'],
  ],
  run: async ({ options, positionals }) => {
    const { reportOnLog } = await import('../../drawing/write-report.js');
    const log = positionals.LOG as string;
    const output = String(options.output ?? `${log.replace(/\.(ndjson|json|log)$/, '')}.html`);
    reportOnLog(log, output);
    return 0;
  },
};
