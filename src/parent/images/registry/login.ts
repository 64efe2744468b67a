/** The login of a pull: the command line's, or the one that other tools left for the registry. */
import { usageFailure } from '../../../common/failure.js';
import type { Values } from '../../command-line/subcommand.js';
import type { ImageReference } from '../image/image-reference.js';
import { type Credentials, findCredentials } from './credentials.js';

/** Bytes of a password or token: registries hand out tokens of a few kilobytes. */
const longestPassword = 64 * 1024;

/**
 * @returns what to ask when the registry wants a login
 * @throws Failure (status 2) when a name comes without a password, or the other way round
 */
export async function loginFor(
  reference: ImageReference,
  { username, 'password-stdin': fromInput }: Values['options'],
): Promise<() => Credentials | undefined> {
  if (username === undefined && fromInput !== true) return () => findCredentials(reference);
  if (typeof username !== 'string' || username === '' || username.includes(':') || fromInput !== true) {
    throw usageFailure(
      '--username and --password-stdin go together, and a name has no colon in it.',
      'Try: gontainer rootfs pull --username NAME --password-stdin IMAGE DIR < FILE',
    );
  }
  const password = await readPassword();
  return () => ({ kind: 'password', username, password });
}

async function readPassword(): Promise<string> {
  if (process.stdin.isTTY) {
    throw usageFailure(
      'Standard input is the terminal, which would show the password.',
      'Pipe it, or use < FILE.',
    );
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > longestPassword) throw usageFailure(`The password is longer than ${longestPassword} bytes.`);
  }
  const password = Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
  if (password === '') throw usageFailure('The password on standard input is empty.');
  return password;
}
