/** From the JSON Schema of the log's records to TypeScript: one named type for each of its definitions. */

interface Schema {
  readonly $ref?: string;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly $defs?: Readonly<Record<string, Schema>>;
}

const scalars: Readonly<Record<string, string>> = {
  integer: 'number',
  number: 'number',
  string: 'string',
  boolean: 'boolean',
  null: 'null',
};
const comment = (text: string | undefined): string => (text === undefined ? '' : `/** ${text} */\n`);
const capital = (name: string): string => name[0]?.toUpperCase() + name.slice(1);
const definitionOf = ($ref: string): string => $ref.replace('#/$defs/', '');

/** What every record has besides what its kind has. */
const base = 'RecordBase';

/** `LogRecord` as the union of every `…Record` of the schema, and a type for each definition that they lead to. */
export function recordTypes({ $defs = {} }: Schema): string {
  const records = Object.keys($defs).filter((name) => name.endsWith('Record'));
  const shared = sharedProperties(records.map((name) => $defs[name] as Schema));
  return `/**
 * The records of the log, as docs/log.md explains them.
 * Written by scripts/library-types.ts from docs/log.schema.json.
 */

export type LogRecord = ${records.map(capital).join(' | ')};

${[baseType(shared), ...named([...reached(records, $defs)], $defs, Object.keys(shared))].join('\n')}`;
}

/** The properties that all of these have, with the same schema, and require. */
function sharedProperties(schemas: readonly Schema[]): Record<string, Schema> {
  const [first, ...others] = schemas;
  const inAll = ([name, schema]: [string, Schema]) =>
    others.every(
      ({ properties, required }) =>
        required?.includes(name) && JSON.stringify(properties?.[name]) === JSON.stringify(schema),
    );
  return Object.fromEntries(Object.entries(first?.properties ?? {}).filter(inAll));
}

/** The names of the definitions that these lead to, themselves included, each after what names it. */
function reached(names: readonly string[], $defs: Readonly<Record<string, Schema>>): Set<string> {
  const found = new Set(names);
  // What is added while a set is walked is walked too.
  for (const name of found) for (const reference of referencesOf($defs[name] as Schema)) found.add(reference);
  return found;
}

/** Those that the type names; what a schema demands beside it (`allOf`, `if`) has no type. */
function referencesOf({ $ref, oneOf = [], items, properties = {} }: Schema): string[] {
  if ($ref !== undefined) return [definitionOf($ref)];
  const parts = [...oneOf, ...(items === undefined ? [] : [items]), ...Object.values(properties)];
  return parts.flatMap(referencesOf);
}

const baseType = (shared: Readonly<Record<string, Schema>>): string =>
  `/** What every record has. */\nexport interface ${base} {\n${members(shared, Object.keys(shared))}\n}\n`;

function named(
  names: readonly string[],
  $defs: Readonly<Record<string, Schema>>,
  shared: readonly string[],
): string[] {
  return names.map((name) => {
    const schema = $defs[name] as Schema;
    const { description, properties, required = [] } = schema;
    if (properties === undefined)
      return `${comment(description)}export type ${capital(name)} = ${typeOf(schema)};\n`;
    const isRecord = name.endsWith('Record');
    const own = Object.entries(properties).filter(([property]) => !isRecord || !shared.includes(property));
    const head = `interface ${capital(name)} ${isRecord ? `extends ${base} ` : ''}`;
    return `${comment(description)}export ${head}{\n${members(Object.fromEntries(own), required)}\n}\n`;
  });
}

function typeOf(schema: Schema): string {
  const { $ref, type, items, properties } = schema;
  if ($ref !== undefined) return capital(definitionOf($ref));
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.oneOf !== undefined) return schema.oneOf.map(typeOf).join(' | ');
  if (items !== undefined) return `readonly (${typeOf(items)})[]`;
  if (properties !== undefined) return `{\n${members(properties, schema.required ?? [])}\n}`;
  if (type === 'object') return 'Readonly<Record<string, unknown>>';
  const types = [type].flat().map((name) => scalars[String(name)]);
  if (types.includes(undefined)) throw new Error(`no type for ${JSON.stringify(schema)}`);
  return types.join(' | ');
}

function members(properties: Readonly<Record<string, Schema>>, required: readonly string[]): string {
  return Object.entries(properties)
    .map(
      ([name, schema]) =>
        `${comment(schema.description)}readonly ${name}${required.includes(name) ? '' : '?'}: ${typeOf(schema)};`,
    )
    .join('\n');
}
