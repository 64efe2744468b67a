/** What a probe of a machine found, and whether the doctor and the machine's data agree with it. */
interface Finding {
  readonly id: string;
  readonly state: 'ok' | 'warning' | 'problem';
  readonly found: string;
  readonly fix?: string;
}

interface Launched {
  readonly status: number | null;
  readonly said: string;
  readonly boundProc: boolean;
}

/** What probe.js prints. */
export interface Probed {
  readonly kernel: string;
  readonly libc: string;
  readonly processor: string;
  readonly doctor: readonly Finding[];
  readonly doctorSaid: string;
  readonly launches: Readonly<Record<string, Launched>>;
}

/** The doctor's line about a launch. */
const lineOf = (name: string): string =>
  name === 'limits'
    ? 'cgroup'
    : ['launch', 'overlay', 'pty', 'subordinate-ids'].includes(name)
      ? name
      : `namespace-${name}`;

const works = ({ launches }: Probed, name: string): boolean => launches[name]?.status === 0;

/** What the doctor calls well and fails, or calls wrong and works; and what it could not say at all. */
export function untruths(result: Probed): string[] {
  const states = new Map(result.doctor.map(({ id, state }) => [id, state]));
  if (states.size === 0) return [`the doctor printed no list: ${result.doctorSaid}`];
  const said = Object.keys(result.launches)
    .filter((name) => name !== 'detach')
    .filter((name) => (states.get(lineOf(name)) === 'ok') !== works(result, name))
    .map(
      (name) =>
        `the doctor calls ${lineOf(name)} ${states.get(lineOf(name))}, and the launch says: ${result.launches[name]?.said || 'nothing'}`,
    );
  const bound = result.launches.pid?.boundProc === true;
  if (works(result, 'pid') && (states.get('proc') === 'ok') === bound)
    said.push(
      `the doctor calls proc ${states.get('proc')}, and a new /proc was ${bound ? 'refused' : 'mounted'}`,
    );
  return said;
}

/** What came otherwise than the machine's data say. */
export function unexpected(result: Probed, fails: readonly string[], coversProc: boolean): string[] {
  const wrong = Object.entries(result.launches)
    .filter(([name, { status }]) => (status !== 0) !== fails.includes(name))
    .map(
      ([name, { said }]) => `${name} ${fails.includes(name) ? 'works, and should fail' : `fails: ${said}`}`,
    );
  if (works(result, 'pid') && result.launches.pid?.boundProc !== coversProc)
    wrong.push(`/proc is ${coversProc ? 'not ' : ''}covered`);
  return wrong;
}

/** What is not said, of what the machine's data expect: `doctor: LINE` stands for the doctor's fix of a line. */
export const unsaid = (result: Probed, says: Readonly<Record<string, string>>): string[] =>
  Object.entries(says).flatMap(([whose, piece]) => {
    const fix = result.doctor.find(({ id }) => `doctor: ${id}` === whose)?.fix;
    const said = fix ?? result.launches[whose]?.said ?? '';
    return said.includes(piece) || result.launches[whose]?.status === 0
      ? []
      : [`${whose} does not say “${piece}”: ${said || 'nothing'}`];
  });

/** How many launches work. */
export const count = ({ launches }: Probed): string => {
  const all = Object.values(launches);
  return `${all.filter(({ status }) => status === 0).length} of ${all.length}`;
};

/** The options of what starts a container that the doctor names. */
export const optionsIn = ({ doctor }: Probed): string[] => [
  ...new Set(
    doctor
      .filter(({ id }) => id !== 'subordinate-ids')
      .flatMap(
        ({ fix = '' }) => fix.match(/--security-opt [a-z]+=unconfined|--system-call-filter=[@\w]+/g) ?? [],
      )
      .flatMap((option) => option.replace(' ', '=')),
  ),
];

/** The command that a fix ends with, as somebody would paste it: of several, the one that lasts. */
const command = /^.*(?:Run|with|good): (.+)$/;

/** The commands to paste that the doctor names in these lines, each once. */
export const commandsIn = ({ doctor }: Probed, ids: readonly string[]): string[] => [
  ...new Set(
    doctor
      .filter(({ id, state }) => state !== 'ok' && ids.includes(id))
      .flatMap(({ fix = '' }) => command.exec(fix)?.[1] ?? []),
  ),
];

/**
 * What came otherwise than the machine's data say, of what `lesson --all --auto` printed: each lesson's verdict is a line,
 * with more where it is untrue, and their sums are the last one.
 * @param untrue the numbers of the lessons that should be untrue
 */
export function wrongLessons(printed: string, untrue: readonly number[]): string[] {
  const lines = printed.trim().split('\n');
  const last = lines.at(-1) ?? '';
  if (!/^\d+ lessons are true /.test(last)) return [`the lessons ended with: ${last || 'nothing'}`];
  // A verdict goes on in indented lines, with what was expected and what came.
  const verdicts = lines
    .slice(0, -1)
    .join('\n')
    .split(/\n(?! )/)
    .flatMap((text) => {
      const [, verdict, number] = /^(true|untrue|skipped) +(\d+) /.exec(text) ?? [];
      return verdict === undefined ? [] : [{ verdict, number: Number(number), text }];
    });
  return verdicts
    .filter(({ verdict, number }) => verdict === (untrue.includes(number) ? 'true' : 'untrue'))
    .map(({ verdict, text }) => (verdict === 'untrue' ? text : `${text} (it should be untrue)`));
}
