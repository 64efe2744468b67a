/** From the JSON Schema of the log's records to TypeScript. */

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

/** Every `…Record` of the schema as an interface, and their union as `LogRecord`. */
export function recordTypes({ $defs = {} }: Schema): string {
  const names = Object.keys($defs).filter((name) => name.endsWith('Record'));
  const interfaces = names.map(
    (name) =>
      `${comment($defs[name]?.description)}export interface ${capital(name)} ${typeOf($defs[name] as Schema)}\n`,
  );
  return `/**
 * The records of the log, as docs/log.md explains them.
 * Written by scripts/library-types.ts from docs/log.schema.json.
 */

export type LogRecord = ${names.map(capital).join(' | ')};

${interfaces.join('\n')}`;

  function typeOf(schema: Schema): string {
    const { $ref, type, items, properties } = schema;
    if ($ref !== undefined) return typeOf($defs[$ref.replace('#/$defs/', '')] as Schema);
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
      .map(([name, schema]) => {
        const { description } =
          schema.$ref === undefined ? schema : ($defs[schema.$ref.replace('#/$defs/', '')] ?? schema);
        return `${comment(description)}readonly ${name}${required.includes(name) ? '' : '?'}: ${typeOf(schema)};`;
      })
      .join('\n');
  }
}
