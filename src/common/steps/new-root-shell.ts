/** What the steps that set the new root up have in common in a shell, which does it all on the host. */
import { shellWord } from '../shell-word.js';
import { type LaunchSpec, placeOf } from '../spec.js';

/** A path of the new root, as it is typed on the host. */
export const hostPath = ({ root }: LaunchSpec, path: string): string => shellWord(`${placeOf(root)}${path}`);

/** Sets flags on a mount and those below it; mount(8) adds the flags that are set already. */
export const remountBelow = (folder: string, flags: string): string =>
  `findmnt -Rrno TARGET ${folder} | while read -r each; do mount -o remount,bind,${flags} "$(printf "$each")"; done`;
