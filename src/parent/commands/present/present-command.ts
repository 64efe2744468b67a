import type { Command } from '../../command-line/subcommand.js';

export const presentCommand: Command = {
  name: 'present',
  summary: 'show launches live in a browser, for the projector',
  positionals: [
    { name: 'LESSON', describe: 'a lesson to show beside them, by its name or number', takes: 'optional' },
  ],
  options: [
    {
      name: 'port',
      kind: 'number',
      value: 'N',
      describe: 'the port of the page on 127.0.0.1; a free one when it is left out',
      group: 'Presenter',
    },
  ],
  examples: [
    ['gontainer present', 'prints the address of the page; then launch in another terminal, with --step'],
    ['gontainer present uts', 'with the lesson on UTS namespaces beside the picture'],
  ],
  run: async (values) => (await import('./present.js')).present(values, process.argv[1] as string),
};
