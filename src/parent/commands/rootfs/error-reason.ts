/** What the system said, in the words of errno(3), from an error of node:fs or node:http. */
import { getSystemErrorMap } from 'node:util';

/** The symbolic name, for example `ENOENT`; undefined if the error is none of the system's. */
export function errorCode(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return undefined;
}

/** For example `no such file or directory (ENOENT)`; the error's own message if it is none of the system's. */
export function errorReason(error: unknown): string {
  const code = errorCode(error);
  const known = [...getSystemErrorMap().values()].find(([name]) => name === code);
  if (known !== undefined) return `${known[1]} (${known[0]})`;
  return error instanceof Error ? error.message : String(error);
}
