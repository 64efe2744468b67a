/** T without its undefined values: such a property is optional, and absent instead of undefined. */
type Defined<T> = { [Name in keyof T as undefined extends T[Name] ? never : Name]: T[Name] } & {
  [Name in keyof T as undefined extends T[Name] ? Name : never]?: Exclude<T[Name], undefined>;
};

/** Leaves out what is undefined: in a record, in JSON and under exactOptionalPropertyTypes "absent" is something else. */
export function defined<T extends object>(properties: T): Defined<T> {
  // Each record of a kernel call comes through here: a loop takes less than lists of entries.
  const found: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(properties)) if (value !== undefined) found[name] = value;
  return found as Defined<T>;
}
