/** The findings as Markdown tables, which are read as well in a terminal. */
import type { Memory } from './memory.js';
import type { Findings } from './plan.js';
import type { Result } from './turns.js';
import type { AtSize } from './under-load.js';

const ms = (value: number): string => value.toFixed(1);
const times = (value: number): string => value.toFixed(2);

/** A table whose columns are even: the first to the left, numbers to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => (row[column] ?? '').length)),
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? `:${'-'.repeat(width + 1)}` : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

/** Start-up: every mode with every Node, and the others. */
function startTable({ nodes, others = [] }: Findings): string[] {
  const rows = (version: string, results: readonly Result[]): string[][] => {
    const row = (
      bareId: string,
      title: string,
      wall: number,
      least: number,
      cpu: number | undefined,
      floor = 0,
      target = 0,
    ) => {
      const bare = results.find(({ id }) => id === bareId);
      const ratio = (value: number | undefined, of: number | undefined): string =>
        floor === 0 || value === undefined || of === undefined ? '' : times(value / (of * floor));
      return [
        title,
        version,
        ms(wall),
        ms(least),
        ratio(wall, bare?.wall.median),
        ratio(least, bare?.wall.min),
        ratio(cpu, bare?.cpu.median),
        floor === 0 ? '' : String(floor),
        target === 0 ? '' : times(target),
      ];
    };
    return results.flatMap(({ id, title, wall, cpu, floor, bare = 'bare', target, child }) => [
      row(bare, title, wall.median, wall.min, cpu.median, floor, target),
      ...(/launch$/.test(id) && child !== undefined
        ? [row(bare, 'its child stage alone', child.median, child.min, undefined, 1)]
        : []),
    ]);
  };
  const head = [
    '',
    'Node',
    'median, ms',
    'least, ms',
    'ratio',
    'of the least',
    'of CPU time',
    'floor',
    'target',
  ];
  return nodes.every(({ start }) => start === undefined)
    ? []
    : [
        '### Start-up',
        'The ratio is relative to N bare starts of the same Node, N in the column “floor”. The target of a launch’s CPU time is 1.5.',
        table(head, [
          ...nodes.flatMap(({ version, start = [] }) => rows(version, start)),
          ...rows('', others),
        ]),
      ];
}

/** Start-up as docs/performance.md shows it: a row for each case, a column for each Node. */
export function startSummary({ nodes, others = [] }: Findings): string {
  const resultsOf = (id: string): (Result | undefined)[] =>
    nodes.map(({ start }) => start?.find((result) => result.id === id));
  const rows = (nodes[0]?.start ?? []).map(({ id, title, bare = 'bare' }) => {
    const [results, bares] = [resultsOf(id), resultsOf(bare)];
    const targets = new Set(results.flatMap((result) => result?.target ?? []));
    const cells = results.map((result, at) => {
      const than = bares[at];
      if (result === undefined || than === undefined) return '';
      const { floor } = result;
      if (floor === undefined) return `${ms(result.wall.median)} ms`;
      const to = (part: 'wall' | 'cpu') => times(result[part].median / (than[part].median * floor));
      return `${to('wall')} · ${to('cpu')}`;
    });
    return [title, ...cells, [...targets].map(times).join(', later ')];
  });
  const memory = nodes.flatMap(({ memory }) => (memory === undefined ? [] : toTwoBare(memory)));
  if (memory.length > 0) rows.push(['peak memory, parent and child', ...memory, '1.10']);
  const head = ['', ...nodes.map(({ version }) => `Node ${version}`), 'target'];
  const beside = others.map(({ title, wall }) => `${title} took ${ms(wall.median)} ms`).join(', ');
  return [
    'Wall time · processor time, each the median in bare starts of the same Node: in two of them for a launch, which is two Nodes, and otherwise in one. The target of a launch’s processor time is 1.5.',
    table(head, rows),
    ...(beside === '' ? [] : [`${beside}.`]),
  ].join('\n\n');
}

const toTwoBare = ({ parent, child, bare }: Memory): string => times((parent + child) / (2 * bare));

function memoryTable({ nodes }: Findings): string[] {
  const rows = nodes.flatMap(({ version, memory }) =>
    memory === undefined
      ? []
      : [
          [
            version,
            ...[memory.bare, memory.parent, memory.child].map((kib) => ms(kib / 1024)),
            toTwoBare(memory),
          ],
        ],
  );
  const head = ['Node', 'bare, MiB', 'parent, MiB', 'child, MiB', 'both to two bare (target 1.10)'];
  return rows.length === 0 ? [] : ['### Peak resident memory', table(head, rows)];
}

function callsTables({ nodes }: Findings): string[] {
  const rows = nodes.flatMap(({ version, calls, start }) => {
    const own = start?.find(({ id }) => id === 'launch')?.calls;
    if (calls === undefined) return [];
    const total = Object.values(calls.ours).reduce((sum, { count, each }) => sum + count * each, 0) / 1000;
    const { unshare = Number.NaN, bwrap = Number.NaN } = calls.ratios;
    return [[version, own === undefined ? '' : ms(own.median), ms(total), times(unshare), times(bwrap)]];
  });
  const head = [
    'Node',
    'all calls, by the log, ms',
    'set-up calls under strace, ms',
    'to unshare(1)',
    'to bubblewrap',
  ];
  const note =
    'Each ratio compares the time of one call, over the kinds of call that both programs make, weighted by how often gontainer makes them (target 1.5).';
  return rows.length === 0 ? [] : ['### Kernel calls', note, table(head, rows)];
}

const sizes = (title: string, what: string, rows: readonly AtSize[] | undefined): string[] =>
  rows === undefined
    ? []
    : [
        `### ${title}`,
        table(
          [what, '`node -e 0`, ms', 'gontainer, ms', 'ratio to two', 'unshare(1), ms', 'bubblewrap, ms'],
          rows.map(({ size, bare, launch, unshare, bwrap }) => [
            String(size),
            ms(bare),
            ms(launch),
            times(launch / (2 * bare)),
            ms(unshare),
            ms(bwrap),
          ]),
        ),
      ];

function scaleTables({ nodes }: Findings): string[] {
  const { throughput, mounts, containers } = nodes.at(-1) ?? {};
  return [
    ...(throughput === undefined
      ? []
      : [
          '### Many at a time',
          table(
            [
              'at a time',
              'launches a second',
              'a second of a core',
              'to one at a time',
              'pairs of bare Nodes a second',
              'a second of a core',
              'to one at a time',
            ],
            throughput.map(({ atATime, ...rates }) => [
              String(atATime),
              ...(['launches', 'bare'] as const).flatMap((which) => [
                ms(rates[which].perSecond),
                ms(rates[which].perCore),
                times(rates[which].perCore / (throughput[0]?.[which].perCore ?? Number.NaN)),
              ]),
            ]),
          ),
        ]),
    ...sizes('Mounts on the host', 'bind mounts', mounts),
    ...sizes('Containers that run already', 'containers', containers),
  ];
}

function imagesTable({ nodes }: Findings): string[] {
  const { images } = nodes.at(-1) ?? {};
  if (images === undefined) return [];
  const rows = images.map(({ form, program, wall, cpu }) => {
    const others = images.filter((other) => other.form === form && other.program !== 'gontainer');
    const least = Math.min(...others.map((other) => other.cpu.min));
    const ratio = program === 'gontainer' && others.length > 0 ? times(cpu.min / least) : '';
    return [form, program, ms(wall.median), ms(wall.min), ms(cpu.min), ratio];
  });
  const head = ['', 'by', 'median, ms', 'least, ms', 'CPU, least, ms', 'to the fastest'];
  const note =
    'The same tree of 4,000 files, as an archive in each form and as an image of one layer, and one of 40,000 files. The ratio is that of the least processor time (target 1.1).';
  return ['### Unpacking', note, table(head, rows)];
}

function pullTable({ nodes }: Findings): string[] {
  const { pull } = nodes.at(-1) ?? {};
  if (pull === undefined) return [];
  const other = pull.find(({ program }) => program !== 'gontainer');
  const rows = pull.map(({ program, wall, cpu }) => {
    const ratio =
      other === undefined || program !== 'gontainer' ? '' : times(wall.median / other.wall.median);
    return [program, ms(wall.median), ms(wall.min), ms(cpu.min), ratio];
  });
  const note =
    'An image of eight layers of 3 MB, from a registry on this machine that sends 2 MB a second on each connection. The target is 1.2.';
  return ['### Pulling', note, table(['', 'median, ms', 'least, ms', 'CPU, least, ms', 'ratio'], rows)];
}

function commandsTable({ nodes }: Findings): string[] {
  const { exec } = nodes.at(-1) ?? {};
  if (exec === undefined) return [];
  const other = exec.find(({ program }) => program === 'bubblewrap');
  const rows = exec.map(({ program, median, most, rates }) => {
    const isOther = program === other?.program;
    const ratio = (value: number, of: number | undefined) =>
      isOther || of === undefined ? '' : times(value / of);
    return [
      program,
      times(median),
      times(most),
      ratio(median, other?.median),
      ...rates.flatMap(({ perSecond }, index) => [
        perSecond.toFixed(0),
        ratio(perSecond, other?.rates[index]?.perSecond),
      ]),
    ];
  });
  const widths = exec[0]?.rates.flatMap(({ width }) => [`a second, ${width} at a time`, 'ratio']) ?? [];
  const note =
    'One command after the other, /bin/true with its output captured, from a Node program: in one container that is open, and by spawning bubblewrap for each. The targets are at most 0.25 of its median, and five times its commands a second.';
  return ['### Commands', note, table(['', 'median, ms', '90 of 100, ms', 'ratio', ...widths], rows)];
}

/** All tables that there are findings for. */
export const tables = (found: Findings): string =>
  [startTable, memoryTable, callsTables, scaleTables, imagesTable, pullTable, commandsTable]
    .flatMap((part) => part(found))
    .join('\n\n');
