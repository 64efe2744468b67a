/** Reads the header WWW-Authenticate: RFC 9110, 11.6.1. */

export interface Challenge {
  /** In small letters, for example `bearer`. */
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** A token, or a text in quotes with backslashes before what needs them: RFC 9110, 5.6. */
const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const part = new RegExp(
  `\\s*(?:(${token})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${token}(?:[/:=+~][^\\s,]*)?))|(${token})(?:\\s+([A-Za-z0-9._~+/-]+=*)(?=\\s*(?:,|$)))?)\\s*`,
  'ys',
);

/** Every challenge of a header, or of several that were joined with commas, in their order. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  part.lastIndex = 0;
  while (part.lastIndex < header.length) {
    const begin = part.lastIndex;
    const [, name, quoted, bare, scheme] = part.exec(header) ?? [];
    if (scheme !== undefined) challenges.push({ scheme: scheme.toLowerCase(), parameters: {} });
    const last = challenges.at(-1);
    if (name !== undefined && last !== undefined) {
      last.parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/gs, '$1') ?? bare ?? '';
    }
    // What is no part of the grammar, the commas between parts among it, is passed over.
    if (part.lastIndex <= begin) part.lastIndex = begin + 1;
  }
  return challenges;
}
