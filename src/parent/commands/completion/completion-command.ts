import type { Subcommand } from '../../command-line/subcommand.js';

export const completionCommand: Subcommand = {
  name: 'completion',
  summary: 'print a completion script for your shell',
  positionals: [{ name: 'SHELL', describe: 'bash, zsh or fish' }],
  options: [],
  examples: [
    [
      'gontainer completion bash > ~/.local/share/bash-completion/completions/gontainer',
      'for every bash from now on; needs the package bash-completion',
    ],
  ],
  anywhere: () => true,
  run: async ({ positionals }) => (await import('./print-script.js')).printScript(String(positionals.SHELL)),
};
