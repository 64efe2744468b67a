/**
 * --dry-run --shell: the launch as a POSIX shell script that really does it. Its commands are the steps' own `shell`;
 * what is added is what holds them together. It has two stages like gontainer itself: the first unshares and writes the
 * ID maps, and starts the same file again as the child.
 */
import { Failure } from '../../common/failure.js';
import { shellWord } from '../../common/shell-word.js';
import type { LaunchSpec } from '../../common/spec.js';
import type { RehearsedStep } from '../../common/step.js';
import { capabilitiesStep } from '../../common/steps/capabilities.js';
import { commandStep, execStep } from '../../common/steps/command.js';
import {
  controlGroupStep,
  enterGroupStep,
  enteringShell,
  groupPaths,
} from '../../common/steps/control-group.js';
import { childStep, clockOffsetsStep, idMapsStep, unshareStep } from '../../common/steps/hand-over.js';
import { inOwnTerminal, ptyStep } from '../../common/steps/pty.js';
import { chrootStep } from '../../common/steps/root.js';
import { systemdScopeStep } from '../../common/steps/systemd-scope.js';
import { workingDirectoryStep } from '../../common/steps/working-directory.js';

/**
 * @param steps the rehearsal of this launch
 * @throws Failure where nobody in the container is root, without whom mount(8) refuses to work
 */
export function shellScript(spec: LaunchSpec, steps: readonly RehearsedStep[]): string {
  if (spec.maps !== undefined && spec.user.uid !== 0) {
    throw new Failure(`no shell script can do this: mount(8) works for root, and root is not mapped`, {
      next: 'Map 0, for example by leaving out --uid-map; gontainer itself can do without.',
    });
  }
  return `#!/bin/sh
# These are the ${steps.length} steps of: ${firstLine(spec.command.map(shellWord).join(' '))}
# in new namespaces, as shell commands. They are programs of util-linux, hostname and iproute2; those after pivot_root
# are looked for in the new root. Save this as a file and run it with sh: it starts itself again as the child.

# pivot_root(8) and chroot(8) lie where the PATH of an ordinary user often does not lead.
PATH=\${PATH:-/usr/bin:/bin}:/usr/sbin:/sbin
export PATH

if [ "\${1-}" = child ]; then
  set -e
${childPart(steps)}
  exit
fi
${parentPart(spec, steps)}`;
}

/** The steps in the new namespaces, one after the other. */
function childPart(steps: readonly RehearsedStep[]): string {
  const lines: string[] = [];
  const rest = steps.filter(({ stage }) => stage === 'child');
  for (let step = rest.shift(); step !== undefined; step = rest.shift()) {
    if (step.step === chrootStep.id && step.shell.startsWith('chroot ')) {
      // chroot(8) runs a command in the new root, and the sources of mounts are out of reach then: so it comes last.
      const inside = rest.findIndex(({ step: id }) => id === workingDirectoryStep.id);
      const follows = rest.splice(inside);
      for (const before of rest.splice(0)) lines.push(heading(before), before.shell);
      lines.push(
        heading(step),
        `exec ${step.shell} /bin/sh -c ${shellWord(['set -e', ...plain(follows), 'exit'].join('\n'))}`,
      );
      continue;
    }
    lines.push(heading(step));
    const there = elsewhere[step.step];
    if (there !== undefined) lines.push(there);
    else if (step.step === ptyStep.id) {
      // script(1) too runs a command in its terminal.
      lines.push(inOwnTerminal(['set -e', ...plain(rest.splice(0))].join('\n')));
    } else if (step.step === commandStep.id) {
      lines.push(...plain([step, ...rest.splice(0)]).slice(1));
    } else lines.push(step.shell);
  }
  return indented(lines);
}

/** With everything that it starts. */
const beforeUnshare = '# … by the shell in front of unshare(1) below';

/** A shell cannot limit its own capabilities; setpriv(1) does it on its way to the command. */
const duringExec = '# … by setpriv(1) below';

/** What is done in another place of the script. */
const elsewhere: Readonly<Record<string, string>> = {
  [enterGroupStep.id]: beforeUnshare,
  [capabilitiesStep.id]: duringExec,
};

/** Each step's heading and command; the parentheses of the command's process hold its execve already. */
function plain(steps: readonly RehearsedStep[]): string[] {
  const own = steps.some(({ step }) => step === commandStep.id);
  const within = own ? steps.filter(({ step }) => [enterGroupStep.id, execStep.id].includes(step)) : [];
  return steps.flatMap((step) => {
    if (within.includes(step)) return [];
    const headings = [heading(step), ...(step.step === commandStep.id ? within.map(heading) : [])];
    return [...headings, elsewhere[step.step] ?? step.shell];
  });
}

/** P, which unshares; while it waits, a second process writes its maps from the host. */
function parentPart(spec: LaunchSpec, steps: readonly RehearsedStep[]): string {
  const find = (id: string) => steps.find(({ step }) => step === id);
  const [scope, group, unshare, maps, clocks, child] = [
    systemdScopeStep,
    controlGroupStep,
    unshareStep,
    idMapsStep,
    clockOffsetsStep,
    childStep,
  ].map(({ id }) => find(id));
  if (unshare === undefined || child === undefined) throw new Error('every launch has these steps');
  const headings = [unshare, ...(clocks ? [clocks] : []), child].map(heading);
  // The whole of the script's second stage is in the group: a shell is small.
  const begin = group === undefined ? '' : `sh -c ${shellWord(`${enteringShell(spec)} && exec "$@"`)} sh `;
  const removal = group === undefined ? [] : [`rmdir ${groupPaths(spec).map(shellWord).join(' ')}`];
  // A shell of its own, as set -e does not hold on the left of ||.
  const made =
    group === undefined
      ? []
      : [
          // Of this shell itself: it is what systemd moves.
          ...(scope === undefined ? [] : ['', heading(scope), `{ ${scope.shell}; } || exit 125`]),
          '',
          heading(group),
          `sh -ec ${shellWord(group.shell)} || { ${removal[0]} 2>/dev/null; exit 125; }`,
        ];
  // P is not in a new PID namespace, but its first child is, as PID 1; exit keeps P from becoming that child.
  const start = [child.shell, 'exit $?'];
  if (maps === undefined) {
    const lines = [...made, '', ...headings, `${begin}${unshare.shell} sh -c '`, indented(start), `' "$0"`];
    return [...lines, ...(removal.length > 0 ? ['status=$?', ...removal, 'exit $status'] : [])].join('\n');
  }
  return [
    ...made,
    '',
    '# P says its process ID through one pipe, and waits at the other until its maps are written.',
    'pipes=$(mktemp -d) && mkfifo "$pipes/report" "$pipes/go" || exit 125',
    '{',
    indented([
      'read -r P < "$pipes/report"',
      heading(maps),
      `if ${maps.shell}`,
      'then echo go; else echo failed; fi > "$pipes/go"',
    ]),
    '} &',
    '',
    ...headings,
    `${begin}${unshare.shell} sh -c '`,
    indented(['echo $$ > "$1/report" && read -r word < "$1/go" && [ "$word" = go ] || exit 125', ...start]),
    `' "$0" "$pipes"`,
    'status=$?',
    'kill $! 2>/dev/null # it still waits if unshare failed',
    'rm -r "$pipes"',
    ...removal,
    'exit $status',
  ].join('\n');
}

const heading = ({ number, of, title, man }: RehearsedStep): string =>
  `# ${number}/${of} ${firstLine(title)}: ${man}`;

/** A comment ends where the line does. */
const firstLine = (text: string): string => text.replace(/\n.*$/s, '…');

const indented = (lines: readonly string[]): string => lines.map((line) => `  ${line}`).join('\n');
