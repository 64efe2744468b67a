/** Builds tar archives byte by byte, hostile ones included, which no honest program would write. */

export interface Entry {
  readonly name: string | Buffer;
  /** The type flag of ustar: '0' file, '1' hard link, '2' symbolic link, '3' and '4' devices, '5' folder, '6' fifo. */
  readonly type?: string;
  readonly body?: string | Buffer;
  /** What the header declares, if not the body's length. */
  readonly size?: number;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly target?: string;
  readonly modified?: number;
  /** Records of a pax header that comes before. */
  readonly pax?: Readonly<Record<string, string>>;
  /** Changes the header before its checksum is computed. */
  readonly change?: (header: Buffer) => void;
}

export const file = (name: string, body = 'x', more: Partial<Entry> = {}): Entry => ({ name, body, ...more });
export const folder = (name: string, more: Partial<Entry> = {}): Entry => ({
  name,
  type: '5',
  mode: 0o755,
  ...more,
});
export const symbolicLink = (name: string, target: string): Entry => ({ name, type: '2', target });
export const hardLink = (name: string, target: string): Entry => ({ name, type: '1', target });

/** An archive with its end mark. */
export const archive = (entries: readonly Entry[]): Buffer =>
  Buffer.concat([...entries.map(member), Buffer.alloc(1024)]);

/** One entry, without an end mark. */
export function member(entry: Entry): Buffer {
  const body = Buffer.from(entry.body ?? '');
  const parts: Buffer[] = [];
  const pax: Record<string, string> = { ...entry.pax };
  if (Buffer.byteLength(entry.name) > 100 && pax.path === undefined) pax.path = String(entry.name);
  if (Buffer.byteLength(entry.target ?? '') > 100) pax.linkpath = entry.target ?? '';
  const records = Object.entries(pax).map(([key, value]) => record(key, value));
  if (records.length > 0) {
    const text = Buffer.concat(records);
    parts.push(header({ name: 'pax', type: 'x' }, text.length), padded(text));
  }
  parts.push(header(entry, entry.size ?? body.length), padded(body));
  return Buffer.concat(parts);
}

/** "%d %s=%s\n", the length counting itself: pax(1). */
function record(key: string, value: string): Buffer {
  const rest = Buffer.from(` ${key}=${value}\n`);
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 511)]);

function header(entry: Entry, size: number): Buffer {
  const bytes = Buffer.alloc(512);
  const octal = (value: number, at: number, length: number): void => {
    bytes.write(
      value
        .toString(8)
        .padStart(length - 1, '0')
        .slice(-(length - 1)),
      at,
      'latin1',
    );
  };
  Buffer.from(entry.name).copy(bytes, 0, 0, 100);
  octal(entry.mode ?? 0o644, 100, 8);
  octal(entry.uid ?? 0, 108, 8);
  octal(entry.gid ?? 0, 116, 8);
  octal(Math.min(size, 8 ** 11 - 1), 124, 12);
  octal(entry.modified ?? 1_000_000_000, 136, 12);
  bytes.write(entry.type ?? '0', 156, 'latin1');
  Buffer.from(entry.target ?? '').copy(bytes, 157, 0, 100);
  bytes.write('ustar\x0000', 257, 'latin1');
  entry.change?.(bytes);
  bytes.fill(32, 148, 156);
  bytes.write(
    `${bytes
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0`,
    148,
    'latin1',
  );
  return bytes;
}
