import type { Command } from '../../command-line/subcommand.js';

export const lessonCommand: Command = {
  name: 'lesson',
  summary: 'learn about namespaces in lessons that run; without a name, list them',
  positionals: [{ name: 'NAME', describe: 'a lesson, by its name or number', takes: 'optional' }],
  options: [
    { name: 'all', kind: 'flag', describe: 'every lesson, one after the other', group: 'Lesson' },
    {
      name: 'auto',
      kind: 'flag',
      describe: 'run without a terminal, and fail if anything shown is not true on this machine',
      group: 'Lesson',
    },
    { name: 'reset', kind: 'flag', describe: 'forget how far you have come', group: 'Lesson' },
  ],
  examples: [
    ['gontainer lesson', 'the lessons, and how far you are'],
    ['gontainer lesson uts', 'the lesson on UTS namespaces'],
    ['gontainer lesson --all --auto', 'check on this machine all that the lessons say'],
  ],
  run: async (values) => {
    const { lesson } = await import('./start.js');
    return lesson(values, process.argv[1] as string);
  },
};
