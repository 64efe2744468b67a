import type { Subcommand } from '../../command-line/subcommand.js';

export const learnCommand: Subcommand = {
  name: 'learn',
  summary: 'run a command with everything allowed and watched, and print the smallest launch that it needs',
  positionals: [{ name: 'COMMAND', describe: 'what to run', takes: 'rest' }],
  options: [
    {
      name: 'apply',
      kind: 'flag',
      describe: 'run it once more under that launch, and say whether it still works',
      group: 'Learn',
    },
    {
      name: 'mnt',
      kind: 'text',
      value: 'DIR',
      describe: 'learn with DIR as the root; by default with the host’s own tree',
      group: 'Learn',
    },
    {
      name: 'map-auto',
      kind: 'flag',
      describe: 'map your subordinate IDs too, for a command that becomes other users',
      group: 'Learn',
    },
  ],
  examples: [
    ['gontainer learn -- git status', 'what git reads, writes and runs, and the launch for that'],
    ['gontainer learn --apply -- npm test', 'and whether the tests still pass under it'],
  ],
  run: async (values) => {
    const { learn } = await import('./learn.js');
    return learn(values);
  },
};
