/**
 * The browsers that listen, each over one response of server-sent events (HTML standard, section 9.2). A message holds
 * only the parts of the page that a browser does not have yet. Nothing is queued: a browser that has not taken the last
 * message gets none until it has, and then all that changed meanwhile in one. One that takes none for too long is
 * disconnected. When it comes back it gets the whole page, as every browser does that joins.
 */
import type { ServerResponse } from 'node:http';
import type { Fragments } from './fragments.js';

/** So many browsers may listen at once. */
export const mostListeners = 100;
/** So many changes may pass a browser that does not read. */
const mostMissed = 200;

interface Listener {
  readonly response: ServerResponse;
  /** The launch that it looks at, or the moment of a recorded one; undefined follows the newest, or begins at the first. */
  readonly launch: string | undefined;
  /** What it was sent last, by the ids of the elements. */
  sent: Fragments;
  missed: number;
}

export class Audience {
  private readonly listeners = new Set<Listener>();

  /** @param page the parts of the page for whoever looks at a launch */
  constructor(private readonly page: (launch: string | undefined) => Fragments) {}

  get size(): number {
    return this.listeners.size;
  }

  /** The launches that somebody looks at; undefined is the newest. */
  get watched(): ReadonlySet<string | undefined> {
    return new Set([...this.listeners].map(({ launch }) => launch));
  }

  join(response: ServerResponse, launch: string | undefined): void {
    const listener: Listener = { response, launch, sent: {}, missed: 0 };
    this.listeners.add(listener);
    response.on('close', () => this.listeners.delete(listener));
    response.on('drain', () => this.tell(listener));
    response.on('error', () => {});
    // A browser that lost the presenter asks again after this time, milliseconds.
    response.write('retry: 1000\n\n');
    this.tell(listener);
  }

  /** Something has changed. */
  update(): void {
    const pages = new Map<string | undefined, Fragments>();
    for (const listener of this.listeners) {
      const { launch } = listener;
      const page = pages.get(launch) ?? this.page(launch);
      pages.set(launch, page);
      this.tell(listener, page);
    }
  }

  end(): void {
    for (const { response } of this.listeners) response.destroy();
  }

  private tell(listener: Listener, page = this.page(listener.launch)): void {
    const { response, sent } = listener;
    const changed = Object.entries(page).filter(([id, text]) => sent[id] !== text);
    if (changed.length === 0) return;
    if (response.writableNeedDrain) {
      listener.missed += 1;
      if (listener.missed > mostMissed) response.destroy();
      return;
    }
    listener.missed = 0;
    listener.sent = page;
    response.write(`data: ${JSON.stringify(Object.fromEntries(changed))}\n\n`);
  }
}
