/** Runs one subcommand of rootfs without the launcher: `node rootfs-alone.cjs create --from host DIR`. */
import { rootfsCommands } from '../../../src/parent/commands/rootfs/rootfs-commands.js';

async function main([word, ...words]: readonly string[]): Promise<number> {
  const command = rootfsCommands.find(({ name }) => name === `rootfs ${word}`);
  if (command === undefined) throw new Error(`no such command: ${word}`);
  const options: Record<string, string | number | boolean> = {};
  const lists: Record<string, string[]> = {};
  const positionals: Record<string, string> = {};
  const rest: string[] = [];
  const names = command.positionals.map(({ name }) => name);
  const takesRest = command.positionals[0]?.takes === 'rest';
  for (let text = words.shift(); text !== undefined; text = words.shift()) {
    const option = command.options.find(({ name }) => `--${name}` === text);
    if (option === undefined && takesRest) rest.push(text);
    else if (option === undefined) positionals[names.shift() ?? 'extra'] = text;
    else if (option.kind === 'flag') options[option.name] = true;
    else if (option.kind === 'list')
      lists[option.name] = [...(lists[option.name] ?? []), words.shift() ?? ''];
    else options[option.name] = option.kind === 'number' ? Number(words.shift()) : (words.shift() ?? '');
  }
  try {
    return await command.run({ options: { ...options, ...lists }, positionals, rest });
  } catch (error) {
    if (!(error instanceof Error && error.name === 'Failure')) throw error;
    const { message, next, status } = error as Error & { next?: string; status: number };
    process.stderr.write(`gontainer: ${message} ${next ?? ''}\n`);
    return status;
  }
}

main(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});
