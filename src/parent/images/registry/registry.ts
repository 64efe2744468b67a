/**
 * Speaks to a registry: the two requests of the OCI distribution specification that a pull needs, with the tokens that
 * registries hand out (the distribution project's "Token Authentication Specification").
 *
 * A password is sent to the registry, or to where the registry says that its tokens are made, and nowhere else; a token to
 * the registry alone.
 */
import type { Response } from 'undici';
import { defined } from '../../../common/defined.js';
import { Failure } from '../../../common/failure.js';
import type { ImageReference } from '../image/image-reference.js';
import { type Challenge, parseChallenges } from './challenge.js';
import type { Credentials } from './credentials.js';
import { HttpClient, isLoopback, isUnknownServer, type Patience, type Request } from './http-client.js';

/** More hops than any registry makes from itself to where it stores its blobs. */
const mostRedirects = 5;

/** Bytes of the answer with a token. */
const largestToken = 1024 * 1024;

export interface RegistryOptions {
  /** Plain http instead of https. */
  readonly insecure: boolean;
  readonly signal: AbortSignal;
  /** Is asked when the registry wants to know who we are. */
  readonly credentials?: () => Credentials | undefined;
  readonly patience?: Patience | undefined;
}

export class Registry {
  private readonly reference: ImageReference;
  private readonly options: RegistryOptions;
  private readonly client: HttpClient;
  /** The value of the header Authorization, once the registry asked for it. */
  private authorization: string | undefined;
  /** While a token is being fetched: several requests may find out at once that they need one. */
  private authorizing: Promise<string> | undefined;
  private base: Promise<string> | undefined;

  constructor(reference: ImageReference, options: RegistryOptions) {
    this.reference = reference;
    this.options = options;
    this.client = new HttpClient(options.signal, options.patience);
  }

  /**
   * GET /v2/REPOSITORY/manifests/VERSION.
   * @param version a tag or a digest
   * @throws Failure when the registry cannot be reached, or has no such image
   */
  manifest(version: string, accept: readonly string[]): Promise<Response> {
    return this.get(`manifests/${version}`, { accept: accept.join(', ') });
  }

  /** The bytes of a manifest. @param most how many it may have @throws Failure as above */
  manifestBytes(version: string, accept: readonly string[], most: number): Promise<Buffer> {
    return this.client.askWhole(() => this.manifest(version, accept), most, 'The manifest');
  }

  /**
   * GET /v2/REPOSITORY/blobs/DIGEST.
   * @param offset how many bytes are here already: "Resumable Pull" of the specification; the status tells (206) whether
   * the registry sends only the rest
   * @throws Failure as above
   */
  blob(digest: string, offset: number): Promise<Response> {
    return this.get(`blobs/${digest}`, offset > 0 ? { range: `bytes=${offset}-` } : {});
  }

  private async get(path: string, headers: Readonly<Record<string, string>>): Promise<Response> {
    this.base ??= this.findBase();
    const address = new URL(`${await this.base}/v2/${this.reference.repository}/${path}`);
    const used = this.authorization;
    const response = await this.follow(address, headers);
    if (response.status !== 401) return this.require(response);
    // The token may be missing, or have run out in the middle of a long pull: ask for a new one, once.
    if (used === this.authorization) {
      this.authorizing ??= this.authorize(response).finally(() => {
        this.authorizing = undefined;
      });
      this.authorization = await this.authorizing;
    }
    await response.body?.cancel().catch(() => {});
    return this.require(await this.follow(address, headers));
  }

  /** https, unless told otherwise; on this machine, as docker does, plain http where nobody speaks https. */
  private async findBase(): Promise<string> {
    const { registry } = this.reference;
    const secure = `https://${registry}`;
    if (this.options.insecure) return `http://${registry}`;
    if (!isLoopback(new URL(secure).hostname)) return secure;
    try {
      const response = await this.client.once(new URL(`${secure}/v2/`), { headers: {} });
      await response.body?.cancel();
      return secure;
    } catch (error) {
      this.options.signal.throwIfAborted();
      return isUnknownServer(error) ? secure : `http://${registry}`;
    }
  }

  /** Follows redirects by hand: a token is for the registry alone, not for the store that it sends us to. */
  private async follow(start: URL, headers: Readonly<Record<string, string>>): Promise<Response> {
    let address = start;
    for (let hops = 0; hops <= mostRedirects; hops++) {
      const ours = address.origin === start.origin && this.authorization !== undefined;
      const authorization = ours ? { authorization: String(this.authorization) } : {};
      const response = await this.client.ask(address, { headers: { ...headers, ...authorization } });
      const location = response.headers.get('location');
      if (response.status < 300 || response.status > 399 || location === null) return response;
      await response.body?.cancel();
      if (!URL.canParse(location, address.href)) break;
      address = new URL(location, address);
      this.requireScheme(address);
    }
    throw new Failure(`${start.host} redirects more than ${mostRedirects} times, or without an address.`, {
      next: 'The registry is set up wrongly: tell its keeper.',
    });
  }

  /** Answers one of a registry's challenges: a token where it has them, otherwise name and password. */
  private async authorize(response: Response): Promise<string> {
    const challenges = parseChallenges(response.headers.get('www-authenticate') ?? '');
    const credentials = this.options.credentials?.();
    const bearer = challenges.find(
      ({ scheme, parameters }) => scheme === 'bearer' && URL.canParse(parameters.realm ?? ''),
    );
    if (bearer !== undefined) return `Bearer ${await this.fetchToken(bearer, credentials)}`;
    const basic = challenges.some(({ scheme }) => scheme === 'basic');
    if (basic && credentials?.kind === 'password') return basicValue(credentials);
    const { registry, repository } = this.reference;
    throw new Failure(`${registry} wants a login for ${repository}.`, {
      next: 'Log in with docker, podman or skopeo, or add --username NAME --password-stdin.',
    });
  }

  private async fetchToken({ parameters }: Challenge, credentials: Credentials | undefined): Promise<string> {
    const { realm = '', service, scope = `repository:${this.reference.repository}:pull` } = parameters;
    const address = new URL(realm);
    this.requireScheme(address);
    const wanted = new URLSearchParams(defined({ service, scope }) as Record<string, string>);
    const { to, request } = tokenRequest(address, wanted, credentials);
    const ask = async () => this.require(await this.client.ask(to, request));
    const bytes = await this.client.askWhole(ask, largestToken, `The token of ${address.host}`);
    const answer = parseObject(bytes);
    const token = [answer.token, answer.access_token].find((text) => typeof text === 'string' && text !== '');
    if (typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)) return token;
    throw new Failure(`${address.host} gave no token for ${this.reference.repository}.`, {
      next: 'Try again later.',
    });
  }

  /** A registry must not lead from https to where anyone on the way can listen, or to a file. */
  private requireScheme({ protocol, host, hostname, pathname }: URL): void {
    const { registry } = this.reference;
    const local = isLoopback(new URL(`https://${registry}`).hostname) && isLoopback(hostname);
    if (protocol === 'https:' || (protocol === 'http:' && (this.options.insecure || local))) return;
    const place = host || pathname;
    throw new Failure(`${registry} leads to ${place} over ${protocol.slice(0, -1)}, not https.`, {
      next: 'If you trust the network between here and there, add --insecure.',
    });
  }

  private require(response: Response): Response {
    // 416, "Range Not Satisfiable": what is here already is as long as the blob, or longer.
    if (response.ok || response.status === 416) return response;
    const { registry, repository, version } = this.reference;
    const what = `${repository}${version.includes(':') ? '@' : ':'}${version}`;
    const refused = 'It may not exist, or be private: log in, or add --username NAME --password-stdin.';
    const advice: Readonly<Record<number, string>> = {
      401: refused,
      403: refused,
      404: 'Look at the spelling of the name and the tag.',
      429: `Too many requests from here: try again in ${response.headers.get('retry-after') ?? 'some'} seconds.`,
    };
    throw new Failure(`${registry} answers ${response.status} ${response.statusText} for ${what}.`, {
      next: advice[response.status] ?? 'Try again later.',
    });
  }
}

const basicValue = ({ username, password }: { username: string; password: string }): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

/** "Requesting a Token" with a name and password or without, and "OAuth2 Token Authentication" with an identity token. */
function tokenRequest(
  realm: URL,
  wanted: URLSearchParams,
  credentials: Credentials | undefined,
): { to: URL; request: Request } {
  const accept = { accept: 'application/json' };
  if (credentials?.kind === 'identity') {
    const form = new URLSearchParams(wanted);
    form.set('grant_type', 'refresh_token');
    form.set('refresh_token', credentials.token);
    form.set('client_id', 'gontainer');
    const headers = { ...accept, 'content-type': 'application/x-www-form-urlencoded' };
    return { to: realm, request: { method: 'POST', headers, body: form.toString() } };
  }
  const address = new URL(realm);
  for (const [name, value] of wanted) address.searchParams.set(name, value);
  const authorization = credentials && basicValue(credentials);
  return { to: address, request: { headers: { ...accept, ...defined({ authorization }) } } };
}

function parseObject(bytes: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
