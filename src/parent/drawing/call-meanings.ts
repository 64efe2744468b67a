/** What each kernel call does, in a few words for a learner; the pages of section 2 of the manual say it in full. */

export interface Meaning {
  readonly does: string;
  /** Whether it makes the container what it is; the others prepare, and are drawn small. */
  readonly essential?: true;
}

const meanings: Readonly<Record<string, Meaning>> = {
  unshare: { does: 'Leaves the namespaces shared with other processes, for new ones.', essential: true },
  setns: { does: 'Enters namespaces that exist already.', essential: true },
  clone: { does: 'Makes a new process.', essential: true },
  execve: { does: 'Replaces the program that the process runs. It does not return.', essential: true },
  _exit: { does: 'Ends the process.' },
  prctl: { does: 'Sets a property of the process itself.' },
  capset: { does: 'Sets the capabilities of the process.' },
  setresuid: { does: 'Sets the user IDs of the process.', essential: true },
  setresgid: { does: 'Sets the group IDs of the process.', essential: true },
  setgroups: { does: 'Sets the supplementary groups of the process.', essential: true },
  sethostname: { does: 'Sets the host name of the UTS namespace.', essential: true },
  mount: { does: 'Attaches a file system to the tree, or changes how a mount behaves.', essential: true },
  open_tree: { does: 'Gets a mount of its own for a file, which no path leads to.', essential: true },
  move_mount: { does: 'Attaches a mount to the tree that was in none.', essential: true },
  mount_setattr: { does: 'Changes the properties of a mount, or of all below it.', essential: true },
  umount2: { does: 'Detaches a file system from the tree.', essential: true },
  pivot_root: { does: 'Changes the root of the mount namespace.', essential: true },
  chroot: { does: 'Changes where absolute paths start for this process.', essential: true },
  chdir: { does: 'Changes the working directory.' },
  mkdir: { does: 'Makes a directory.' },
  pipe2: { does: 'Makes a pipe, over which processes tell each other how far they are.' },
  socketpair: {
    does: 'Makes two sockets that are connected: parent and child talk over them, and nobody else can open them.',
  },
  waitpid: { does: 'Waits until a child process ends or stops.' },
  pidfd_send_signal: { does: 'Sends a signal to the process that a file descriptor stands for.' },
  memset: { does: 'Overwrites memory, so that nothing of what was there can be read.' },
  pidfd_open: { does: 'Gets a file descriptor that stands for a process.' },
  socket: { does: 'Makes a socket; here only to reach the network interface.' },
  ioctl: { does: 'Asks a device, here a network interface or the terminal, for something special.' },
  fcntl: { does: 'Changes a file descriptor; here it is to stay open across execve(2).' },
  dup2: { does: 'Gives a file descriptor a certain number.' },
  open: { does: 'Opens a file and gives a file descriptor for it.' },
  close: { does: 'Closes a file descriptor.' },
  close_range: { does: 'Closes a range of file descriptors, so that none leaks into the container.' },
  read: { does: 'Waits on a pipe for the word of another process.' },
  write: { does: 'Writes bytes: a word to another process, or a setting into a file of /proc.' },
  setpgid: { does: 'Puts the process into a process group, a job of its own.' },
  setsid: { does: 'Starts a session without a terminal.' },
  setrlimit: { does: 'Sets how much of something the process may have, such as open files.' },
  sigaction: { does: 'Sets what a signal does to the process.' },
  sigprocmask: { does: 'Sets which signals are held back.' },
};

export const meaningOf = (call: string): Meaning | undefined =>
  Object.hasOwn(meanings, call) ? meanings[call] : undefined;
