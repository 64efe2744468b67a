/** What belongs to a step stands below its title. */
export const stepIndent = ' '.repeat(6);
