import { readFileSync } from 'node:fs';
import { resolveBeneath } from './program.js';

/**
 * Gontainer's prompt. The user's name is looked up once, here: `whoami` at every prompt complains where the root file
 * system has no passwd entry. The host name and the directory are read anew each time, with what every sh has built in.
 *
 * @param root where the root directory of the command is, seen from here
 */
export function prompt(uid: number, root = '/'): string {
  return `📦 [${userName(uid, root)}@${hostname}] ${directory} ‣ `;
}

const hostname = '$(read -r name </proc/sys/kernel/hostname && echo "$name")';
/** `~` for the home folder, as other shells write it; HOME may be empty or not set. */
const directory = `$(case $PWD in "\${HOME:-?}") echo "~";; "\${HOME:-?}"/*) echo "~\${PWD#"$HOME"}";; *) echo "$PWD";; esac)`;

/** The name in /etc/passwd (passwd(5)), or `root` for 0, or the number. */
function userName(uid: number, root: string): string {
  try {
    for (const entry of readFileSync(resolveBeneath(root, '/etc/passwd'), 'utf8').split('\n')) {
      const [name, , id] = entry.split(':');
      if (name && id !== undefined && Number(id) === uid) return name;
    }
  } catch {
    // No such file in this root: the number says enough.
  }
  return uid === 0 ? 'root' : String(uid);
}
