/**
 * Who may read the page. It listens on 127.0.0.1, which every program on this machine can reach, whichever user runs it,
 * and so can every page that a browser shows. So the address holds a secret, and what a browser says of itself has to fit:
 * - Host is the address as it was printed. Another site's name that leads here (DNS rebinding) is refused.
 * - Origin and Sec-Fetch-Site, where they are sent, are those of this page: no other site's page may ask for anything.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

export interface Refusal {
  readonly status: number;
  /** One sentence. */
  readonly reason: string;
}

export const newToken = (): string => randomBytes(24).toString('base64url');

export class Access {
  constructor(
    private readonly token: string,
    private readonly port: number,
  ) {}

  /** @returns the path below the token, for example `/events`, or why the request is refused */
  check({ method, url = '', headers }: IncomingMessage): { readonly path: string } | Refusal {
    if (!this.isOurHost(headers.host)) return refused('This page has no other name than 127.0.0.1.');
    if (headers.origin !== undefined && headers.origin !== `http://${headers.host}`)
      return refused('Another site’s page may not ask for this.');
    const { 'sec-fetch-site': site = 'none', 'sec-fetch-dest': destination } = headers;
    // A link to the page may be followed from anywhere; it needs the token all the same.
    if (!['none', 'same-origin'].includes(String(site)) && destination !== 'document')
      return refused('Another site’s page may not ask for this.');
    const [, token = '', path] = /^\/([^/?]*)(\/[^?]*)?/.exec(url) ?? [];
    if (!this.isToken(token))
      return refused(
        'The address lacks its secret, or has an old one: open the one that gontainer present printed last.',
      );
    if (method !== 'GET') return { status: 405, reason: 'This page can only be read: GET.' };
    return { path: path ?? '' };
  }

  private isOurHost(host: string | undefined): boolean {
    const ports = this.port === 80 ? [':80', ''] : [`:${this.port}`];
    return ports.some((port) => host === `127.0.0.1${port}` || host === `localhost${port}`);
  }

  /** In the same time whatever is given: equal lengths, and a comparison that does not stop at the first difference. */
  private isToken(given: string): boolean {
    const digest = (text: string) => createHash('sha256').update(text).digest();
    return timingSafeEqual(digest(given), digest(this.token));
  }
}

const refused = (reason: string): Refusal => ({ status: 403, reason });
