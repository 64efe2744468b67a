import type { Subcommand } from '../../command-line/subcommand.js';

export const replayCommand: Subcommand = {
  name: 'replay',
  summary: 'play a recorded launch, step by step; nothing is launched',
  positionals: [{ name: 'LOG', describe: 'a log written by gontainer run --log-file' }],
  options: [],
  examples: [
    ['gontainer run --all --log-file run.ndjson -- id', 'launch, and write a log'],
    ['gontainer replay run.ndjson', 'go through it again, on this machine or another one'],
  ],
  run: async ({ positionals }) => {
    const { replay } = await import('./replay.js');
    return replay(positionals.LOG as string);
  },
};
