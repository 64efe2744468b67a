import { usageFailure } from '../../../common/failure.js';
import { inform, print } from '../../../common/print.js';
import { shownJson, shownText } from '../../../common/shown-text.js';
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
    {
      name: 'json',
      kind: 'flag',
      describe: 'print what would be drawn as JSON, and write no page',
      group: 'Report',
    },
  ],
  examples: [
    ['gontainer run --all --log-file run.ndjson -- id', 'launch, and write a log'],
    ['gontainer report run.ndjson -o run.html', 'draw it; then open run.html in a browser'],
    ['gontainer report run.ndjson --json', 'what it is drawn from, for programs'],
  ],
  anywhere: () => true,
  run: async ({ options, positionals }) => {
    const log = positionals.LOG as string;
    if (options.json === true) {
      if (options.output !== undefined) throw usageFailure('--json writes no page', 'Leave out --output.');
      const [{ logText }, { readLog }] = await Promise.all([
        import('../../recorded/log-text.js'),
        import('../../recorded/read-log.js'),
      ]);
      return print(shownJson(JSON.stringify(readLog(logText(log), log), null, 2)));
    }
    const { reportOnLog } = await import('../../drawing/write-report.js');
    const output = String(options.output ?? `${log.replace(/\.(ndjson|json|log)$/, '')}.html`);
    reportOnLog(log, output);
    inform(`gontainer: the report is ${shownText(output)}\n`);
    return 0;
  },
};
