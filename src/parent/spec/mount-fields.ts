/**
 * The value of --mount as Docker writes it: `type=bind,source=SRC,target=DST,readonly`. It is a record of CSV (RFC 4180),
 * so a field with a comma or a quote in it is put in quotes as a whole: `type=bind,"source=/a,b",target=/c`.
 */
import { defined } from '../../common/defined.js';
import { usageFailure } from '../../common/failure.js';

export interface MountFields {
  readonly type: 'bind' | 'tmpfs';
  /** Of a bind. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  /** Of a tmpfs, as it was written. */
  readonly size?: string;
  /** Of a bind whose changes are kept apart. */
  readonly overlay?: { readonly keptIn: string | null };
}

type Key = 'type' | 'source' | 'target' | 'readonly' | 'size' | 'overlay';

const keys: Readonly<Record<string, Key>> = {
  type: 'type',
  source: 'source',
  src: 'source',
  target: 'target',
  destination: 'target',
  dst: 'target',
  readonly: 'readonly',
  ro: 'readonly',
  'tmpfs-size': 'size',
  overlay: 'overlay',
};

/** What Docker's other fields ask for, and why it is not here. */
const others: Readonly<Record<string, string>> = {
  'bind-propagation': 'no mount crosses the boundary of a container in either direction',
  'bind-nonrecursive': 'a bind takes along what is mounted below its source',
  'bind-recursive': 'a bind takes along what is mounted below its source',
  consistency: 'host and container see the same files at once',
  'tmpfs-mode': 'everybody may write to a tmpfs, as in /tmp',
  'volume-driver': 'there are no volumes',
  'volume-opt': 'there are no volumes',
  'volume-nocopy': 'there are no volumes',
};

const example = 'For example: --mount type=bind,source=/srv/data,target=/data,readonly';

/** @throws Failure (status 2) for a value of another form */
export function mountFields(text: string): MountFields {
  const wrong = (what: string, next = example) => usageFailure(`--mount “${text}” ${what}`, next);
  const given: Partial<Record<Key, string>> = {};
  const fields = csvFields(text);
  if (fields === undefined) throw wrong('has a quote that is not closed, or stands inside a field');
  for (const field of fields) {
    const [, name = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(field) ?? [];
    const key = Object.hasOwn(keys, name.toLowerCase()) ? keys[name.toLowerCase()] : undefined;
    const why = Object.hasOwn(others, name) ? others[name] : undefined;
    if (key === undefined)
      throw why === undefined
        ? wrong(`has a field “${field}”, which is not known`)
        : wrong(`has ${name}: ${why}`, 'Leave it out.');
    if (value === undefined && key !== 'readonly' && key !== 'overlay')
      throw wrong(`has no value for ${name}`);
    given[key] = value ?? (key === 'overlay' ? '' : 'true');
  }
  const { type, source, target, readonly = 'false', size, overlay } = given;
  if (type !== 'bind' && type !== 'tmpfs')
    throw wrong(type === undefined ? 'has no type' : `has the type ${type}, which is neither bind nor tmpfs`);
  if (!target) throw wrong('has no target');
  if (!/^(true|false|1|0)$/.test(readonly)) throw wrong(`has a readonly that is neither true nor false`);
  if (type === 'bind') {
    if (!source) throw wrong('has no source');
    if (size !== undefined) throw wrong('has a tmpfs-size, and is a bind');
    const readOnly = readonly === 'true' || readonly === '1';
    if (overlay === undefined) return { type, source, target, readOnly };
    if (readOnly)
      throw wrong('is read-only, and its overlay is there for changes', 'Leave out one of the two.');
    return { type, source, target, readOnly, overlay: { keptIn: overlay || null } };
  }
  if (overlay !== undefined) throw wrong('has an overlay, and is a tmpfs', 'Leave out one of the two.');
  if (source !== undefined) throw wrong('has a source, and is a tmpfs', 'Leave out one of the two.');
  if (readonly !== 'false' && readonly !== '0') throw wrong('is a tmpfs that nothing could be written to');
  return { type, source: '', target, readOnly: false, ...defined({ size }) };
}

/** The fields of one record; undefined where its quotes are not in order. */
function csvFields(text: string): string[] | undefined {
  const fields: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  for (;;) {
    const found = field.exec(text);
    if (found === null) return undefined;
    fields.push(found[1]?.replaceAll('""', '"') ?? (found[2] as string));
    if (found[3] === '') return fields;
  }
}
