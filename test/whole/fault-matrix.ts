/** Every kernel call of a launch, each failing in several ways, and what must be true afterwards. */
import { existsSync, readlinkSync } from 'node:fs';
import { namespaces } from '../../src/common/namespaces.js';
import { node, program, type User } from '../gontainer.js';
import { type Fault, type Place, type Watched, watch } from './fault-injector.js';

const errors = ['EPERM', 'EINVAL', 'ENOMEM', 'ENOSPC', 'EBUSY'];

/** The command says how isolated it is: the namespaces it shares with the host, its name, powers, mounts, descriptors. */
const hostNamespaces = namespaces
  .map(({ entry }) => ({ entry, link: `/proc/self/ns/${entry}` }))
  // A kernel can be built without a kind.
  .filter(({ link }) => existsSync(link))
  .map(({ entry, link }) => `${entry}=${readlinkSync(link)}`);
const script = [
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's own.
  'for pair; do [ "$(readlink /proc/self/ns/${pair%%=*})" = "${pair#*=}" ] && echo "shared ${pair%%=*}"; done',
  'hostname; id -u; grep -E "^(Cap|NoNewPrivs|Groups)" /proc/self/status',
  'cut -d" " -f5,6 /proc/self/mountinfo | sed "s/^/mounted /"',
  'ls /proc/self/fd; ls -di /; echo end',
].join('; ');

export interface Launch {
  readonly options: readonly string[];
  readonly user: User;
}

/** Library calls whose failure would be the C library's or Node's own matter. */
const notOurs = new Set(['rt_sigprocmask']);
/** What does not return cannot fail; and umask(2): "This system call always succeeds". */
const neverFails = new Set(['exit', 'exit_group', 'umask']);

/**
 * File systems that the kernel may refuse to a user namespace, and where. What is brought along instead, or left out, is
 * said by the steps proc and sys; nothing else may differ then.
 */
const replaceable: Readonly<Record<string, RegExp>> = {
  proc: /^mounted \/proc(\/\S*)? \S+\n/gm,
  sysfs: /^mounted \/sys(\/\S*)? \S+\n/gm,
  cgroup2: /^mounted \/sys(\/\S*)? \S+\n/gm,
};
/** The host's /sys is the host's: nobody inside may write there. */
const writableSys = /^mounted \/sys(\/\S*)? (?!ro\b)/m;

export class FaultMatrix {
  private readonly reference: Watched;

  constructor(private readonly launch: Launch) {
    this.reference = this.observe();
    if (this.reference.status !== 0 || !this.reference.stdout.endsWith('end\n')) {
      throw new Error(`the launch fails without any fault: ${this.reference.stderr}`);
    }
  }

  /**
   * Every fault that there is to inject: each errno at every call, and so an even sample has as many of each; and the
   * child's end at each of the parent's calls while there is one.
   */
  faults(): Fault[] {
    const places = this.reference.places.filter(({ call }) => !notOurs.has(call));
    const ofChild = ({ actor }: Place) => actor === 'child';
    const meanwhile = places.slice(places.findIndex(ofChild), places.findLastIndex(ofChild));
    const failing = places.filter(({ call }) => !neverFails.has(call));
    return [
      ...errors.flatMap((fault) => failing.map((place) => ({ ...place, fault }))),
      ...places.map((place) => ({ ...place, fault: 'KILL' })),
      ...meanwhile.filter(({ actor }) => actor === 'parent').map((place) => ({ ...place, fault: 'CHILD' })),
    ];
  }

  /** Injects one. @returns what is wrong with what happened then; undefined when it is right, `missed` when the call did not come */
  try(fault: Fault): { verdict: string; wrong?: string; watched: Watched } {
    const watched = this.observe(fault);
    if (!watched.injected) return { verdict: 'missed', watched };
    const wrong = this.judge(fault, watched);
    if (wrong !== undefined) return { verdict: 'wrong', wrong, watched };
    return { verdict: watched.status === 0 ? 'carried on' : 'ended', watched };
  }

  private judge(
    { actor, call, fault }: Fault,
    { status, signal, stdout, stderr, hung, left, source }: Watched,
  ): string | undefined {
    if (hung) return `it hung: ${left.join(', ')}`;
    if (left.length > 0) return `left behind: ${left.join(', ')}`;
    if (/\n\s+at /.test(stderr)) return 'a stack trace';
    const place = call === 'mount' && status === 0 ? replaceable[source] : undefined;
    if (place !== undefined)
      return stdout.replace(place, '') === this.reference.stdout.replace(place, '') &&
        (source === 'proc' || !writableSys.test(stdout))
        ? undefined
        : `more differs than what was refused:\n${stdout}`;
    if (!this.reference.stdout.startsWith(stdout)) return `the command ran less isolated:\n${stdout}`;
    if (fault === 'KILL' && actor === 'parent')
      return signal === 9 || status === 0 ? undefined : `status ${status}`;
    if (status === 0) return stdout === this.reference.stdout ? undefined : 'status 0 without the command';
    if (fault === 'CHILD') return status === 137 ? sentence(stderr) : `status ${status}: ${stderr}`;
    if (fault === 'KILL') {
      const expected = actor === 'P' ? [125] : actor === 'command' ? [125, 137] : [137];
      if (!expected.includes(status ?? -1))
        return `status ${status} instead of ${expected.join(' or ')}: ${stderr}`;
      return status === 137 && actor === 'command' ? undefined : sentence(stderr);
    }
    if (status !== 125 && !(call === 'execve' && status === 126)) return `status ${status}: ${stderr}`;
    // From the word to go on until its end is seen, the command runs whatever happens to the child.
    if (stdout !== '' && call !== 'wait4' && call !== 'read') return 'an error after the command ran';
    return (
      sentence(stderr) ??
      (stderr.includes(fault) ? undefined : `the sentence does not name ${fault}: ${stderr}`)
    );
  }

  private observe(fault?: Fault): Watched {
    const { options, user } = this.launch;
    const command = [
      node,
      program,
      'run',
      '--quiet',
      ...options,
      '--',
      '/bin/sh',
      '-c',
      script,
      'sh',
      ...hostNamespaces,
    ];
    const watched = watch({
      command,
      user: { uid: user.uid, gid: user.gid },
      ...(fault === undefined ? {} : { fault }),
    });
    // A terminal writes a newline as two characters.
    return { ...watched, stdout: watched.stdout.replaceAll('\r\n', '\n') };
  }
}

/** One sentence that names the step, and one that says what to do next. */
function sentence(stderr: string): string | undefined {
  const lines = stderr.split('\n').filter((line) => line.startsWith('gontainer: '));
  if (lines.length !== 1) return `${lines.length} sentences: ${stderr}`;
  return /^gontainer: (step [\w-]+|the child)\b.*\. [A-Z/].*\.?$/.test(lines[0] as string)
    ? undefined
    : `not as promised: ${lines[0]}`;
}

export const written = ({ actor, call, nth }: Place): string => `${actor} ${call} ${nth}`;
