/** The flags of a mount, from what proc_pid_mountinfo(5) writes to what mount(2) takes. */
import type { Constant } from './kernel/constants.js';

/**
 * What forbids something on a mount. In a user namespace these are locked on mounts that came from the host: a remount
 * that leaves one out is refused (mount_namespaces(7)). The atime flags need no mention: a remount without any keeps
 * those that are set (mount(2)).
 */
const forbidding: Readonly<Record<string, Constant>> = {
  nosuid: 'MS_NOSUID',
  nodev: 'MS_NODEV',
  noexec: 'MS_NOEXEC',
  nosymfollow: 'MS_NOSYMFOLLOW',
};

/** `['MS_NOSUID', 'MS_NODEV']` for `rw,nosuid,nodev,relatime`. */
export const keptFlags = (options: string): Constant[] =>
  options.split(',').flatMap((option) => forbidding[option] ?? []);
