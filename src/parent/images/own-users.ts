/**
 * Work on files that belong to the users of a container. An ordinary user may give files to its subordinate IDs only as
 * root of a user namespace that maps them (user_namespaces(7)), and remove such files only there. So the work is done by
 * a command that the launcher starts in one.
 */
import { callerWords } from '../../common/caller-text.js';
import { Failure } from '../../common/failure.js';
import { launch } from '../launch/launch.js';
import { Log } from '../log/log.js';
import { idMaps } from '../spec/id-maps.js';
import { launchSpec } from '../spec/launch-spec.js';

/**
 * Runs a command as root of a user namespace with the subordinate IDs of this user, as `run --uid --map-auto` does.
 * @returns its exit status
 * @throws Failure where the user has none, or the kernel gives no user namespace
 */
function runMapped(command: readonly string[]): Promise<number> {
  const options = { uid: true, 'map-auto': true };
  const spec = launchSpec({ options, positionals: {}, rest: command });
  return launch(spec, new Log({ level: 'silent', format: 'json', colour: false }), script());
}

/** Runs a subcommand of this program there. */
export const runSubcommandMapped = (words: readonly string[]): Promise<number> =>
  runMapped([process.execPath, ...process.execArgv, script(), ...words]);

/** Runs there what was typed here, which asked for it by --map-auto. */
export const runAgainMapped = (): Promise<number> =>
  runSubcommandMapped(callerWords().filter((word) => !/^--?map-auto(=true)?$/.test(word)));

/** @throws Failure where something cannot be removed there either */
export async function removeMapped(path: string): Promise<void> {
  const status = await runMapped(['rm', '-rf', '--', path]);
  if (status !== 0) throw new Failure(`Cannot remove ${path}: rm(1) ended with status ${status}.`);
}

/** Which IDs stand behind those of the container: what is unpacked under other maps has other owners. */
export function mapsOfUser(): string {
  const { uid, gid } = idMaps({ uidMap: undefined, gidMap: undefined, auto: true });
  return JSON.stringify([uid, gid]);
}

const script = (): string => process.argv[1] as string;
