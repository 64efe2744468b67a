import type { Subcommand } from '../../command-line/subcommand.js';

export const completionCommand: Subcommand = {
  name: 'completion',
  summary: 'print what makes a shell complete the command line of gontainer',
  positionals: [{ name: 'SHELL', describe: 'bash, zsh or fish' }],
  options: [],
  examples: [
    [
      'gontainer completion bash > ~/.local/share/bash-completion/completions/gontainer',
      'for every bash from now on, with the package bash-completion',
    ],
  ],
  run: async ({ positionals }) => (await import('./print-script.js')).printScript(String(positionals.SHELL)),
};
