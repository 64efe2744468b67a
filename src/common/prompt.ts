import { beginningOf } from './container-file.js';
import { resolveBeneath } from './program.js';

/**
 * Gontainer's prompt. The user's name is looked up once, here: `whoami` at every prompt complains where the root file
 * system has no passwd entry. The host name and the directory are read again each time, with what every sh has built in.
 *
 * @param root where the root directory of the command is, seen from here
 */
export function prompt(uid: number, root = '/'): string {
  return `📦 [${userName(uid, root)}@${hostname}] ${directory} ‣ `;
}

const hostname = '$(read -r name </proc/sys/kernel/hostname && echo "$name")';
/** `~` for the home folder, as other shells write it; HOME may be empty or not set. */
const directory = `$(case $PWD in "\${HOME:-?}") echo "~";; "\${HOME:-?}"/*) echo "~\${PWD#"$HOME"}";; *) echo "$PWD";; esac)`;

/** useradd(8): a name of other characters would be more than a name to the shell that shows it, or to the terminal. */
const plainName = /^[a-z_][a-z0-9_.-]*\$?$/i;

/** The name in /etc/passwd (passwd(5)), or `root` for 0, or the number. */
function userName(uid: number, root: string): string {
  for (const entry of passwd(root).split('\n')) {
    const [name = '', , id] = entry.split(':');
    if (plainName.test(name) && id !== undefined && id !== '' && Number(id) === uid) return name;
  }
  return uid === 0 ? 'root' : String(uid);
}

/** Empty where this root has none: the number says enough. */
function passwd(root: string): string {
  try {
    return beginningOf(resolveBeneath(root, '/etc/passwd'))?.toString() ?? '';
  } catch {
    return ''; // A loop of links.
  }
}
