/** Reads the header WWW-Authenticate: RFC 9110, 11.6.1. */

export interface Challenge {
  /** In small letters, for example `bearer`. */
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** The first challenge of a header, or undefined if there is none. */
export function parseChallenge(header: string): Challenge | undefined {
  const [, scheme, rest = ''] = /^\s*([\w-]+)\s*(.*)$/s.exec(header) ?? [];
  if (scheme === undefined) return undefined;
  // A value is a token, or quoted with backslashes before what needs them: RFC 9110, 5.6.4.
  const pairs = [...rest.matchAll(/([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g)];
  const parameters = pairs.map(([, name = '', quoted, token]): [string, string] => [
    name.toLowerCase(),
    quoted?.replace(/\\(.)/g, '$1') ?? token ?? '',
  ]);
  return { scheme: scheme.toLowerCase(), parameters: Object.fromEntries(parameters) };
}
