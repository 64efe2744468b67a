import { usageFailure } from '../../../common/failure.js';
import type { Subcommand } from '../../command-line/subcommand.js';
import { portNumber, portOption } from '../../presenter/port.js';

export const replayCommand: Subcommand = {
  name: 'replay',
  summary: 'play a recorded launch, step by step; nothing is launched',
  positionals: [{ name: 'LOG', describe: 'a log written by gontainer run --log-file' }],
  options: [
    {
      name: 'present',
      kind: 'flag',
      describe: 'show it in a browser, for the projector: → and ← go through the steps',
      group: 'Presenter',
    },
    portOption,
  ],
  examples: [
    ['gontainer run --all --log-file run.ndjson -- id', 'launch, and write a log'],
    ['gontainer replay run.ndjson', 'go through it again, on this machine or another one'],
    ['gontainer replay run.ndjson --present', 'the same in a browser, for the room'],
  ],
  anywhere: () => true,
  run: async ({ positionals, options }) => {
    const log = positionals.LOG as string;
    const port = options.port as number | undefined;
    if (!options.present) {
      if (port !== undefined) throw usageFailure('--port is that of the page of --present', 'Add --present.');
      const { replay } = await import('./replay.js');
      return replay(log);
    }
    const { playInBrowser } = await import('../../presenter/play.js');
    return playInBrowser(log, portNumber(port));
  },
};
