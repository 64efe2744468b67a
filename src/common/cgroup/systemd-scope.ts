/**
 * systemd's user manager, where an ordinary user has one: it has been given a part of the tree of version 2, and gives a group
 * in it to whoever asks over D-Bus: a transient scope with Delegate=yes (org.freedesktop.systemd1(5), systemd.scope(5)).
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { SystemdScope } from './limits.js';

const user = (): number => process.geteuid?.() ?? 0;

/** pam_systemd(8) makes it, whatever XDG_RUNTIME_DIR says. */
const runtimeFolder = (): string => `/run/user/${user()}`;

/** The group that the user manager has been given. */
export const managerGroup = (mountPoint: string): string =>
  join(mountPoint, 'user.slice', `user-${user()}.slice`, `user@${user()}.service`);

/** Whether it runs, and can be asked. */
export const managerRuns = (mountPoint: string): boolean =>
  [busOf(runtimeFolder()), ownSocket(), managerGroup(mountPoint)].every((path) => existsSync(path));

/** Where systemctl(1) and systemd-run(1) ask it, without D-Bus. */
const ownSocket = (): string => join(runtimeFolder(), 'systemd/private');

const busOf = (folder: string): string => join(folder, 'bus');

/** @param name what it is called; the slice is the one that systemd has for applications */
export const scopeOf = (mountPoint: string, name: string): SystemdScope => ({
  unit: `${name}.scope`,
  slice: 'app.slice',
  path: join(managerGroup(mountPoint), 'app.slice', `${name}.scope`),
  bus: `unix:path=${busOf(runtimeFolder())}`,
});

/** How an ordinary user gets a group where it cannot be asked for one. */
export const ownGroupNeeded = (): string =>
  existsSync(ownSocket())
    ? 'Start it below a group of your own: systemd-run --user --scope -p Delegate=yes gontainer run …'
    : existsSync('/run/systemd/system') // sd_booted(3)
      ? 'systemd runs no user manager for you: log in in a session of your own, or have root start one: loginctl enable-linger USER'
      : 'Have root make a control group, give it to you with its files cgroup.procs and cgroup.subtree_control, and put your shell in it';

/** What root can do about a controller that the user manager lacks. */
export const delegateMore =
  'Have root write “[Service]” and “Delegate=cpu cpuset io memory pids”, on a line each, to /etc/systemd/system/user@.service.d/delegate.conf, and start the machine anew';
