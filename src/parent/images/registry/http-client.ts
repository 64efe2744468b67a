/**
 * Asks a server by HTTP: through the proxies that the environment names, again where trying again helps, and with every
 * wait bounded.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { rootCertificates } from 'node:tls';
import type { Dispatcher, Response } from 'undici';
import { defined } from '../../../common/defined.js';
import { Failure, isFailure } from '../../../common/failure.js';
import { errnoWords, errorCode } from '../../../common/kernel/kernel-error.js';

/** Milliseconds. */
export interface Patience {
  /** Without a byte from the server. */
  readonly silence: number;
  /** Before the second try; each further one waits twice as long. */
  readonly firstWait: number;
  /** That a server may ask for with Retry-After. */
  readonly longestWait: number;
}

export const usualPatience: Patience = { silence: 30_000, firstWait: 500, longestWait: 60_000 };

const mostTries = 5;

/** Answers that say that the same request may be answered in a moment: RFC 9110, 15.5 and 15.6, and RFC 6585. */
const passing = [408, 429, 500, 502, 503, 504];

/** Errors that will not go away by themselves within seconds. */
const lasting = ['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH', 'EACCES'];
const isLasting = (error: unknown): boolean => {
  const code = errorCode(causeOf(error)) ?? '';
  return lasting.includes(code) || isTlsError(code) || networkReason(error) === 'bad port';
};
const isTlsError = (code: string): boolean =>
  /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|EPROTO)/.test(code);

/** The server speaks https, but nobody that is believed says who it is. */
export const isUnknownServer = (error: unknown): boolean =>
  /^(ERR_TLS_CERT|CERT_|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO)/.test(errorCode(causeOf(error)) ?? '');

export const isLoopback = (hostname: string): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);

export interface Request {
  readonly method?: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export class HttpClient {
  private readonly signal: AbortSignal;
  private readonly patience: Patience;
  private dispatchers: { direct: Dispatcher; proxied: Dispatcher } | undefined;

  constructor(signal: AbortSignal, patience: Patience = usualPatience) {
    this.signal = signal;
    this.patience = patience;
  }

  /**
   * Asks, and asks again, with growing waits, as long as the answer may be another one the next time. Redirects are not
   * followed.
   * @throws Failure when the server cannot be reached
   */
  async ask(address: URL, request: Request, tries = mostTries): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      const last = attempt === tries;
      try {
        const response = await this.once(address, request);
        if (last || !passing.includes(response.status)) return response;
        const asked = retryAfter(response.headers.get('retry-after'));
        if (asked !== undefined && asked > this.patience.longestWait) return response;
        await response.body?.cancel();
        await this.wait(attempt, asked);
      } catch (error) {
        this.signal.throwIfAborted();
        if (isFailure(error)) throw error;
        if (last || isLasting(error)) throw unreachable(address, error);
        await this.wait(attempt);
      }
    }
  }

  /**
   * Asks, and reads the whole answer; if that breaks off, asks again.
   * @param most bytes that an honest answer has at most
   * @throws Failure when the answer is longer, or cannot be had
   */
  async askWhole(ask: () => Promise<Response>, most: number, what: string): Promise<Buffer> {
    for (let attempt = 1; ; attempt++) {
      const response = await ask();
      try {
        return await readBounded(response, most, what);
      } catch (error) {
        this.signal.throwIfAborted();
        if (isFailure(error)) throw error;
        if (attempt === mostTries)
          throw new Failure(`${what} broke off: ${networkReason(error)}.`, { cause: error });
        await this.wait(attempt);
      }
    }
  }

  /** One try. @throws what the network said */
  async once(address: URL, { method = 'GET', headers, body }: Request): Promise<Response> {
    const { fetch } = await import('undici');
    const { direct, proxied } = await this.connections();
    return fetch(address, {
      method,
      redirect: 'manual',
      signal: this.signal,
      dispatcher: isLoopback(address.hostname) ? direct : proxied,
      // identity: a digest is that of the bytes as they are stored.
      headers: { 'user-agent': 'gontainer', 'accept-encoding': 'identity', ...headers },
      body: body ?? null,
    });
  }

  private async connections() {
    if (this.dispatchers !== undefined) return this.dispatchers;
    const { Agent, EnvHttpProxyAgent } = await import('undici');
    const { silence } = this.patience;
    const connect = { timeout: silence, ...defined({ ca: ownAuthorities(process.env) }) };
    const options = { headersTimeout: silence, bodyTimeout: silence, connect };
    const proxied = new EnvHttpProxyAgent({ ...options, requestTls: connect, proxyTls: connect });
    this.dispatchers = { direct: new Agent(options), proxied };
    return this.dispatchers;
  }

  private async wait(attempt: number, asked = 0): Promise<void> {
    const { firstWait } = this.patience;
    await pause(Math.max(asked, firstWait * 2 ** (attempt - 1)), undefined, { signal: this.signal }).catch(
      () => {},
    );
    this.signal.throwIfAborted();
  }
}

/**
 * Certificate authorities besides those that Node knows, from SSL_CERT_FILE, which OpenSSL, skopeo and curl read. Such a
 * list takes the place of Node's own, so that one is in it.
 * @throws Failure when the file cannot be read
 */
function ownAuthorities({ SSL_CERT_FILE: named, NODE_EXTRA_CA_CERTS: extra }: NodeJS.ProcessEnv) {
  if (!named) return undefined;
  try {
    return [
      ...rootCertificates,
      ...(extra ? [readFileSync(extra, 'utf8')] : []),
      readFileSync(named, 'utf8'),
    ];
  } catch (error) {
    throw new Failure(`Cannot read the certificates of SSL_CERT_FILE: ${errnoWords(error)}.`, {
      next: `Name a file that you may read, or unset it: ${named}`,
      cause: error,
    });
  }
}

/** Milliseconds from now, given as seconds or as a date: RFC 9110, 10.2.3. */
function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const wait = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(wait) ? Math.max(wait, 0) : undefined;
}

/** fetch hides what the system said in the cause of its error. */
const causeOf = (error: unknown): unknown =>
  error instanceof Error && error.cause instanceof Error ? error.cause : error;

export const networkReason = (error: unknown): string => errnoWords(causeOf(error));

function unreachable(address: URL, error: unknown): Failure {
  const next = isTlsError(errorCode(causeOf(error)) ?? '')
    ? 'If it has a certificate of your own authority, name that in SSL_CERT_FILE or NODE_EXTRA_CA_CERTS; if it speaks plain http, add --insecure.'
    : address.protocol === 'http:'
      ? 'Is the registry running there, and does it speak plain http?'
      : 'Look at the network, the name, and HTTPS_PROXY; for a registry that speaks plain http add --insecure.';
  return new Failure(`Cannot reach ${address.host}: ${networkReason(error)}.`, { next, cause: error });
}

/**
 * Reads a whole answer, but not more of it than is honest.
 * @throws Failure when there is more
 */
async function readBounded(response: Response, most: number, what: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > most) throw new Failure(`${what} is longer than ${most} bytes, and was not read further.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
