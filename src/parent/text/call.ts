/** A call in one line, with the names of the manual page: `unshare(flags: CLONE_NEWUSER|CLONE_NEWUTS)`. */
export function callText(
  call: string,
  args: Readonly<Record<string, unknown>>,
  paint: (name: string) => string = (name) => name,
): string {
  const written = Object.entries(args).map(([name, value]) => `${name}: ${argument(value)}`);
  return `${paint(call)}(${written.join(', ')})`;
}

function argument(value: unknown): string {
  if (value instanceof Object) return JSON.stringify(value);
  // A map ends with a newline, which would break the line.
  return typeof value === 'string' && value.includes('\n') ? JSON.stringify(value) : String(value);
}
