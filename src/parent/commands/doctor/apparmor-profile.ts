/** The AppArmor profile by which this Node, and nothing else, may make user namespaces: apparmor.d(5). */
import { shellWord } from '../../../common/shell-word.js';

/** Where profiles are read from at each start of the machine. */
const file = '/etc/apparmor.d/gontainer-node';

/** A name in quotes, in which what stands for several paths stands for itself. */
const quoted = (path: string): string => `"${path.replace(/["\\*?[\]{}^@]/g, '\\$&')}"`;

/**
 * Commands to paste, which install the profile and load it.
 * @param node the file of Node: AppArmor goes by the file that is executed, not by a link to it
 */
export function profileInstalled(node = process.execPath): string {
  // Its flag leaves everything else as it was. AppArmor knows the rule `userns` since 4.0, which also knows the switch.
  const lines = ['abi <abi/4.0>,', `profile gontainer-node ${quoted(node)} flags=(unconfined) { userns, }`];
  return `printf '%s\\n' ${lines.map(shellWord).join(' ')} | sudo tee ${file} && sudo apparmor_parser -r ${file}`;
}
