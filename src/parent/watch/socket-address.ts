/** The address of a socket as it is in the memory of a process: struct sockaddr. */
import { textOf } from '../../common/byte-text.js';
import { familyName } from './flag-names.js';

export type SocketAddress =
  | { readonly family: 'AF_UNIX'; readonly path: string; readonly abstract: boolean }
  | { readonly family: 'AF_INET' | 'AF_INET6'; readonly host: string; readonly port: number }
  | { readonly family: string };

/** Whether a call turns to the address that it is given. */
export const reaches = (call: string): boolean => ['connect', 'sendto', 'sendmsg', 'sendmmsg'].includes(call);

/** Undefined where not even the family could be read. */
export function socketAddress(bytes: Buffer): SocketAddress | undefined {
  if (bytes.length < 2) return undefined;
  const family = familyName(bytes.readUInt16LE(0));
  if (family === 'AF_UNIX') {
    const abstract = bytes.length > 2 && bytes[2] === 0;
    const end = abstract ? bytes.length : bytes.indexOf(0, 2);
    const path = bytes.subarray(abstract ? 3 : 2, end < 0 ? bytes.length : end);
    return { family, path: textOf(path), abstract };
  }
  if (family === 'AF_INET' && bytes.length >= 8)
    return { family, host: bytes.subarray(4, 8).join('.'), port: bytes.readUInt16BE(2) };
  if (family === 'AF_INET6' && bytes.length >= 24)
    return { family, host: address6(bytes.subarray(8, 24)), port: bytes.readUInt16BE(2) };
  return { family };
}

/** As inet_ntop(3) writes it: the longest row of zeros is left out. */
function address6(bytes: Buffer): string {
  const mapped = bytes.subarray(0, 12).equals(Buffer.from('00000000000000000000ffff', 'hex'));
  if (mapped) return `::ffff:${bytes.subarray(12).join('.')}`;
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  const rows = groups.join(':').match(/\b0(:0)+\b/g) ?? [];
  const longest = rows.reduce((best, row) => (row.length > best.length ? row : best), '');
  if (longest === '') return groups.join(':');
  return groups.join(':').replace(new RegExp(`(^|:)${longest}(:|$)`), '::');
}

/** As strace(1) writes it. */
export function shownAddress(address: SocketAddress): string {
  const family = `sa_family=${address.family}`;
  if ('path' in address)
    return `{${family}, sun_path=${address.abstract ? '@' : ''}${JSON.stringify(address.path)}}`;
  if (!('host' in address)) return `{${family}}`;
  const { host, port } = address;
  return address.family === 'AF_INET'
    ? `{${family}, sin_port=htons(${port}), sin_addr=inet_addr("${host}")}`
    : `{${family}, sin6_port=htons(${port}), inet_pton(AF_INET6, "${host}", &sin6_addr)}`;
}
