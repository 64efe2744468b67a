/** `gontainer ns`: namespaces side by side, and the trees that user and PID namespaces form. */
import { Failure } from '../../../common/failure.js';
import type { Kernel } from '../../../common/kernel/kernel.js';
import { Recorder } from '../../../common/kernel/recorder.js';
import { namespaces } from '../../../common/namespaces.js';
import { print } from '../../../common/print.js';
import { findTarget, runningContainers, type Target } from '../../state/find.js';
import { isAlive } from '../../state/process-identity.js';
import { table } from '../../text/table.js';
import { type NamespaceNode, type Relations, relationsOf } from './namespace-relations.js';

/** One column. */
interface Side extends Relations {
  readonly name: string;
  readonly pid: number;
}

/**
 * Shows the namespaces of one container or process, or of all containers, beside the caller's.
 * @throws Failure with status 2 when there is no such container, 125 when it has just ended
 */
export function ns(word: string | undefined, json: boolean): number {
  const kernel = new Recorder('parent', process.hrtime.bigint(), () => {});
  const here: Side = { name: 'HERE', pid: process.pid, ...relationsOf('self', false, kernel) };
  const others =
    word === undefined
      ? runningContainers().flatMap(
          (container) =>
            sideOf({ name: container.name, process: container.process, container }, kernel) ?? [],
        )
      : [sideOfOne(findTarget(word), kernel)];
  print(json ? asJson(here, others) : asText(here, others));
  return 0;
}

function sideOfOne(target: Target, kernel: Kernel): Side {
  const side = sideOf(target, kernel);
  if (side === undefined) throw new Failure(`${target.name} has just ended`);
  return side;
}

/** Undefined when it has ended meanwhile: what was read could be another process's. */
function sideOf({ name, process, container }: Target, kernel: Kernel): Side | undefined {
  try {
    const relations = relationsOf(process.pid, container !== undefined, kernel);
    return isAlive(process) ? { name, pid: process.pid, ...relations } : undefined;
  } catch (error) {
    if (!isAlive(process)) return undefined;
    throw error;
  }
}

function asJson(here: Side, others: readonly Side[]): string {
  const side = ({ name, pid, own }: Side) => ({ name, pid, namespaces: own });
  const data = { here: { pid: here.pid, namespaces: here.own }, others: others.map(side) };
  return JSON.stringify({ ...data, around: [...known([here, ...others]).values()] }, null, 2);
}

function asText(here: Side, others: readonly Side[]): string {
  const rows = namespaces.map(({ name, entry }) => [
    name,
    number(here.own[entry]?.id),
    ...others.map(({ own }) =>
      own[entry] === undefined
        ? 'not there yet'
        : own[entry].id === here.own[entry]?.id
          ? 'the same'
          : number(own[entry].id),
    ),
  ]);
  const sides = [here, ...others];
  return [
    table(['NAMESPACE', ...sides.map(({ name }) => name)], rows),
    '',
    'User namespaces, each in the one that it was made in:',
    ...tree('user', sides),
    '',
    'PID namespaces, each with the user namespace that owns it:',
    ...tree('pid', sides),
  ].join('\n');
}

/** `4026531837` of `user:[4026531837]`, as lsns(8) writes it. */
const number = (id: string | undefined): string => /\d+/.exec(id ?? '')?.[0] ?? 'absent';

/** Every namespace that was seen, once. */
const known = (sides: readonly Side[]): Map<string, NamespaceNode> =>
  new Map(
    sides.flatMap(({ own, around }) => [...Object.values(own), ...around]).map((node) => [node.id, node]),
  );

function tree(kind: 'user' | 'pid', sides: readonly Side[]): string[] {
  const all = [...known(sides).values()].filter(({ id }) => id.startsWith(`${kind}:`));
  const isRoot = ({ parent }: NamespaceNode): boolean => !all.some(({ id }) => id === parent);
  return all.filter(isRoot).flatMap((root) => branch(root, '', ''));

  function branch(node: NamespaceNode, first: string, rest: string): string[] {
    const inside = all.filter(({ parent }) => parent === node.id);
    return [
      `${first}${label(node)}`,
      ...inside.flatMap((child, index) =>
        index === inside.length - 1
          ? branch(child, `${rest}└─ `, `${rest}   `)
          : branch(child, `${rest}├─ `, `${rest}│  `),
      ),
    ];
  }

  function label({ id, owner, madeBy }: NamespaceNode): string {
    const who = sides
      .filter(({ own }) => own[kind]?.id === id)
      .map(({ name }) => (name === 'HERE' ? 'here' : name));
    return [
      id,
      ...(who.length === 0 ? [] : [who.join(', ')]),
      ...(kind === 'user' ? [`made by user ${madeBy}`] : owner === undefined ? [] : [`owned by ${owner}`]),
    ].join('  ');
  }
}
