/** Reads the words of a script of the project: an option that it does not have ends it with one sentence and status 2. */
import { type ParseArgsConfig, parseArgs } from 'node:util';

type Values<C extends ParseArgsConfig> = ReturnType<typeof parseArgs<C>>;

export function readWords<C extends ParseArgsConfig>(config: C): Values<C> {
  try {
    return parseArgs(config);
  } catch (error) {
    if (!String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS_')) throw error;
    console.error((error as Error).message);
    process.exit(2);
  }
}
