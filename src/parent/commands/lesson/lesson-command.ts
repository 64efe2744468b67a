import type { Subcommand } from '../../command-line/subcommand.js';

export const lessonCommand: Subcommand = {
  name: 'lesson',
  summary: 'learn namespaces by running lessons; without a name, list them',
  positionals: [{ name: 'NAME', describe: 'the name or number of a lesson', takes: 'optional' }],
  options: [
    { name: 'all', kind: 'flag', describe: 'take every lesson, one after the other', group: 'Lesson' },
    {
      name: 'auto',
      kind: 'flag',
      describe: 'run without a terminal; fail if the lesson shows anything that is not true on this machine',
      group: 'Lesson',
    },
    { name: 'read', kind: 'flag', describe: 'print the lesson to read; nothing is run', group: 'Lesson' },
    { name: 'reset', kind: 'flag', describe: 'forget your progress', group: 'Lesson' },
  ],
  examples: [
    ['gontainer lesson', 'list the lessons, and how far you are'],
    ['gontainer lesson uts', 'take the lesson on UTS namespaces'],
    ['gontainer lesson uts --read', 'read it, on any system'],
    ['gontainer lesson --all --auto', 'check everything that the lessons say on this machine'],
  ],
  // Elsewhere than on Linux it is read.
  anywhere: ({ options }) => options.auto !== true,
  run: async (values) => {
    const { lesson } = await import('./start.js');
    return lesson(values, process.argv[1] as string);
  },
};
