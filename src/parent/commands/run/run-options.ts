/** The options of `gontainer run`, one table: the line is read by it; help, manual page and completion are made from it. */
import { namespaces } from '../../../common/namespaces.js';
import { watchKinds } from '../../../common/watch/watched-calls.js';
import type { Option } from '../../command-line/option.js';
import { logOptionRows, quietOption } from '../../log/log-options.js';
import { environmentOptions } from '../../spec/environment.js';

const namespaceOptions: readonly Option[] = namespaces.map(({ flag, name, isolates, since, man }) => {
  const words = `new ${name} namespace: ${isolates} (${man}, Linux ${since})`;
  return flag === 'mnt'
    ? {
        name: flag,
        kind: 'text',
        value: 'DIR',
        describe: `${words}; DIR becomes the root; / is the host’s own tree once more`,
        group: 'Namespaces',
      }
    : { name: flag, kind: 'flag', describe: words, group: 'Namespaces' };
});

export const runOptions: readonly Option[] = [
  ...namespaceOptions,
  {
    name: 'all',
    kind: 'flag',
    describe: 'all eight; the root stays as it is unless --mnt is given too',
    group: 'Namespaces',
  },
  {
    name: 'hostname',
    kind: 'text',
    value: 'NAME',
    describe: 'host name inside, with --uts; by default Gontainer',
    group: 'Inside',
  },
  {
    name: 'uid-map',
    kind: 'list',
    value: 'CONTAINER:HOST:COUNT',
    describe: 'map user IDs, with --uid; repeatable, one line each; by default 0 to your own ID',
    group: 'Inside',
  },
  {
    name: 'gid-map',
    kind: 'list',
    value: 'CONTAINER:HOST:COUNT',
    describe: 'the same for group IDs',
    group: 'Inside',
  },
  {
    name: 'map-auto',
    kind: 'flag',
    describe: 'map your subordinate IDs too (/etc/subuid, /etc/subgid), with --uid, through newuidmap(1)',
    group: 'Inside',
  },
  {
    name: 'monotonic',
    kind: 'number',
    value: 'SECONDS',
    describe: 'shift the monotonic clock, with --time',
    group: 'Inside',
  },
  {
    name: 'boottime',
    kind: 'number',
    value: 'SECONDS',
    describe: 'shift the boot-time clock, and so the uptime, with --time',
    group: 'Inside',
  },
  {
    name: 'image',
    kind: 'text',
    value: 'IMAGE',
    describe:
      'make the root from an image (a name, an archive or a folder), pulled or imported once, and start what it says; changes are discarded unless --overlay keeps them',
    group: 'New root',
  },
  {
    name: 'image-config',
    kind: 'flag',
    describe: 'start what the image says from which DIR of --mnt was made',
    group: 'New root',
  },
  {
    name: 'platform',
    kind: 'text',
    value: 'OS/ARCH',
    describe: 'take the image for this kind of machine, with --image',
    group: 'New root',
  },
  {
    name: 'pull',
    kind: 'text',
    value: 'WHEN',
    choices: ['missing', 'always', 'never'],
    describe:
      'when to ask the registry of --image: where no copy is here (the default), for each launch, or not at all',
    group: 'New root',
  },
  {
    name: 'entrypoint',
    kind: 'text',
    value: 'PROGRAM',
    describe: "run this instead of the image's Entrypoint; the words after -- are its arguments",
    group: 'Inside',
  },
  {
    name: 'chroot',
    kind: 'flag',
    describe: 'change the root by chroot(2) alone, as Gontainer did: root inside can escape from it',
    group: 'New root',
  },
  {
    name: 'ephemeral',
    kind: 'flag',
    describe: 'discard every change to the new root: DIR stays as it is',
    group: 'New root',
  },
  {
    name: 'overlay',
    kind: 'text',
    value: 'CHANGES',
    describe: 'keep changes to the new root in the folder CHANGES, not in DIR',
    group: 'New root',
  },
  {
    name: 'read-only',
    kind: 'flag',
    describe: 'make the new root, or without --mnt the host’s own tree, read-only',
    group: 'New root',
  },
  {
    name: 'bind',
    kind: 'list',
    value: 'SRC:DST[:ro|:overlay[=CHANGES]]',
    describe:
      'make SRC from the host visible at DST inside; with overlay SRC stays as it is, and changes are in memory, or in the folder CHANGES; repeatable; without --mnt, in the host’s own tree',
    group: 'New root',
  },
  {
    name: 'tmpfs',
    kind: 'list',
    value: 'DST[:size=SIZE]',
    describe: 'mount an empty tmpfs at DST inside, by default of at most 25% of the memory; repeatable',
    group: 'New root',
  },
  {
    name: 'mount',
    kind: 'list',
    value: 'FIELD,FIELD...',
    describe:
      '--bind or --tmpfs as Docker writes them: type=bind,source=SRC,target=DST[,readonly|,overlay[=CHANGES]] or type=tmpfs,target=DST[,tmpfs-size=SIZE]; repeatable',
    group: 'New root',
  },
  {
    name: 'user',
    kind: 'text',
    value: 'UID[:GID]',
    describe: 'run the command as this user, by number or by a name of the new root',
    group: 'New root',
  },
  {
    name: 'workdir',
    kind: 'text',
    value: 'DIR',
    describe: 'start the command in this directory inside',
    group: 'Inside',
  },
  {
    name: 'as-pid-1',
    kind: 'flag',
    describe: 'run the command as PID 1 itself, without an init; with --pid',
    group: 'Inside',
  },
  {
    name: 'memory',
    kind: 'text',
    value: 'SIZE',
    describe:
      'how much memory the command and its descendants may use together, such as 64m; then one is killed',
    group: 'Limits',
  },
  {
    name: 'memory-swap',
    kind: 'text',
    value: 'SIZE',
    describe: 'how much memory and swap together, or unlimited; by default no swap, with --memory',
    group: 'Limits',
  },
  {
    name: 'pids-limit',
    kind: 'number',
    value: 'N',
    describe: 'how many processes and threads they may be together; then fork(2) is refused',
    group: 'Limits',
  },
  {
    name: 'cpus',
    kind: 'decimal',
    value: 'N',
    describe: 'how much processor time they get: 0.5 is half of the time of one processor',
    group: 'Limits',
  },
  {
    name: 'cpu-weight',
    kind: 'number',
    value: 'N',
    describe: 'their share of the processors where others want them too: 1 to 10000; others have 100',
    group: 'Limits',
  },
  {
    name: 'io-weight',
    kind: 'number',
    value: 'N',
    describe: 'their share of the disks, in the same way',
    group: 'Limits',
  },
  {
    name: 'ulimit',
    kind: 'list',
    value: 'NAME=SOFT[:HARD]',
    describe:
      'limit what each process of the command may have, such as nofile=1024 or core=0:unlimited (getrlimit(2)); repeatable',
    group: 'Limits',
  },
  {
    name: 'shm-size',
    kind: 'text',
    value: 'SIZE',
    describe: 'how much /dev/shm of a new root may hold, such as 256m or 10% of the memory; by default 64m',
    group: 'Limits',
  },
  {
    name: 'ephemeral-size',
    kind: 'text',
    value: 'SIZE',
    describe: 'how much --ephemeral may keep in memory; by default 25% of it',
    group: 'Limits',
  },
  ...environmentOptions,
  {
    name: 'step',
    kind: 'flag',
    describe:
      'stop before every step, and with --watch at every call of the command, show it and wait for a key: Enter goes on',
    group: 'Learn',
  },
  {
    name: 'watch',
    kind: 'text',
    value: 'KIND,KIND...',
    alone: 'all',
    describe: `log what the command asks the kernel, and which namespace answers: ${watchKinds.join(', ')} or all, which is meant without a value`,
    group: 'Learn',
  },
  {
    name: 'dry-run',
    kind: 'flag',
    describe: 'print every step with its kernel calls, and carry none out',
    group: 'Learn',
  },
  {
    name: 'json',
    kind: 'flag',
    describe: 'print the steps as JSON, with --dry-run',
    group: 'Learn',
  },
  {
    name: 'shell',
    kind: 'flag',
    describe: 'print a shell script that does the same, with --dry-run',
    group: 'Learn',
  },
  {
    name: 'pty',
    kind: 'flag',
    describe: 'give the command a terminal and a session of its own; it cannot reach yours',
    group: 'Inside',
  },
  {
    name: 'window',
    kind: 'text',
    value: 'COLUMNSxROWS',
    describe: 'with --pty, how large the window is, as 80x24; by default as large as your own',
    group: 'Inside',
  },
  {
    name: 'window-fd',
    kind: 'number',
    value: 'N',
    describe: 'with --pty, give the window a new size with each line COLUMNSxROWS from file descriptor N',
    group: 'Inside',
  },
  {
    name: 'new-session',
    kind: 'flag',
    describe: 'start the command in a session of its own, without a controlling terminal',
    group: 'Inside',
  },
  {
    name: 'allow-new-privs',
    kind: 'flag',
    describe: 'let set-user-ID programs inside give privileges; without it PR_SET_NO_NEW_PRIVS is set',
    group: 'Inside',
  },
  {
    name: 'cap-drop',
    kind: 'list',
    value: 'CAP',
    describe:
      'drop this capability, or all; repeat it or separate with commas. By default root without --uid keeps 13, of which 3 need --pid and 1 needs --net',
    group: 'Inside',
  },
  {
    name: 'cap-keep',
    kind: 'list',
    value: 'CAP',
    describe: 'keep these capabilities and no others, or all; a command that is not root gets them too',
    group: 'Inside',
  },
  {
    name: 'timeout',
    kind: 'decimal',
    value: 'SECONDS',
    describe:
      'end the command after this time, such as 0.5, with SIGTERM, and two seconds later with SIGKILL',
    group: 'Supervision',
  },
  {
    name: 'stop-signal',
    kind: 'text',
    value: 'SIGNAL',
    describe: 'send this signal instead of SIGTERM, by --timeout and by gontainer kill',
    group: 'Supervision',
  },
  {
    name: 'pid-file',
    kind: 'text',
    value: 'FILE',
    describe: "write the process ID of the container's first process to FILE, and remove FILE at the end",
    group: 'Supervision',
  },
  {
    name: 'status-fd',
    kind: 'number',
    value: 'N',
    describe: 'write a line of JSON to file descriptor N when the command starts and when it has ended',
    group: 'Supervision',
  },
  {
    name: 'changes-fd',
    kind: 'number',
    value: 'N',
    describe:
      'write what was changed in the overlays to file descriptor N when the command has ended, as gontainer diff --json does',
    group: 'Supervision',
  },
  {
    name: 'control-fd',
    kind: 'number',
    value: 'N',
    describe:
      'start no command but those that a program asks for over file descriptor N, a socket, whose end ends the container; with --pid. For open() of the library',
    group: 'Supervision',
  },
  {
    name: 'decide-fd',
    kind: 'number',
    value: 'N',
    describe:
      'with --watch, ask over file descriptor N, a socket, whether each watched call goes on. For onCall of the library',
    group: 'Supervision',
  },
  {
    name: 'die-with-parent',
    kind: 'flag',
    describe: 'end the container when the process that started gontainer ends',
    group: 'Supervision',
  },
  {
    name: 'detach',
    kind: 'flag',
    describe:
      "print the container's name and return as soon as the command runs; it goes on in the background",
    group: 'From a second terminal',
  },
  {
    name: 'output',
    kind: 'text',
    value: 'FILE',
    describe:
      'write what the command prints to FILE, with --detach; by default it is kept for gontainer logs --output NAME',
    group: 'From a second terminal',
  },
  {
    name: 'name',
    kind: 'text',
    value: 'NAME',
    describe:
      'name of the container, for ps, ns, diff, enter, kill, wait and logs; by default made from the command',
    group: 'From a second terminal',
  },
  ...logOptionRows,
  {
    name: 'report',
    kind: 'text',
    value: 'FILE',
    describe: 'draw the launch as a web page when it ends, even if it fails',
    group: 'Log',
  },
  quietOption,
];
