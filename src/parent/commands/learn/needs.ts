/** What a command needs, gathered from the calls that it makes while everything is allowed. */

import { changedPaths, opensPath } from '../../watch/changed-paths.js';
import { reaches } from '../../watch/socket-address.js';
import type { WatchedRecord } from '../../watch/watched-record.js';
import type { Hearer } from '../../watch/watcher.js';

/** More of each kind is not told apart: a command may make up paths without end. */
const most = 20_000;

const isLoopback = (host: string): boolean =>
  host.startsWith('127.') || host === '::1' || host.startsWith('::ffff:127.');

export class Needs implements Hearer {
  readonly kinds = ['files', 'network', 'processes'] as const;
  readonly programs = new Set<string>();
  readonly read = new Set<string>();
  readonly written = new Set<string>();
  /** `HOST:PORT`, of connections that leave the container. */
  readonly addresses = new Set<string>();
  calls = 0;
  private readonly bound = new Set<number>();

  hear(record: WatchedRecord): void {
    this.calls += 1;
    const { watched, paths = [], refusal } = record;
    // What is refused even now the command does without.
    if (refusal !== undefined) return;
    if (watched.startsWith('execve')) keep(this.programs, paths);
    const changed = changedPaths(record);
    keep(this.written, changed);
    if (changed.length === 0 && opensPath(record)) keep(this.read, paths);
    this.addAddress(record);
  }

  /** Whether the network of the host has to be there. */
  get needsNetwork(): boolean {
    return this.addresses.size > 0;
  }

  private addAddress({ watched, address }: WatchedRecord): void {
    if (address === undefined) return;
    if ('path' in address) {
      // An abstract name is one of the network namespace: unix(7).
      if (reaches(watched) && address.abstract) keep(this.addresses, [`@${address.path}`]);
    } else if ('host' in address) {
      const { host, port } = address;
      if (watched === 'bind') this.bound.add(port);
      // Port 0 is any: which it got is not known, and those of its own choice are high.
      const own = this.bound.has(port) || (this.bound.has(0) && port >= 1024);
      if (reaches(watched) && port !== 0 && !(isLoopback(host) && own))
        keep(this.addresses, [host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`]);
    }
  }
}

function keep(known: Set<string>, more: readonly string[]): void {
  for (const one of more) if (known.size < most) known.add(one);
}
