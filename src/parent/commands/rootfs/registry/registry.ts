/**
 * Speaks to a registry: the two requests of the OCI distribution specification that a pull needs, with the anonymous
 * tokens that registries hand out (the distribution project's "Token Authentication Specification").
 */
import { Failure } from '../../../../common/failure.js';
import { errnoWords } from '../../../../common/kernel/kernel-error.js';
import type { ImageReference } from '../image/image-reference.js';
import { parseChallenge } from './challenge.js';

/** More hops than any registry makes from itself to where it stores its blobs. */
const mostRedirects = 5;

export interface RegistryOptions {
  /** Plain http instead of https. */
  readonly insecure: boolean;
  readonly signal: AbortSignal;
}

export class Registry {
  private readonly reference: ImageReference;
  private readonly options: RegistryOptions;
  /** The value of the header Authorization, once the registry asked for it. */
  private authorization: string | undefined;

  constructor(reference: ImageReference, options: RegistryOptions) {
    this.reference = reference;
    this.options = options;
  }

  /**
   * GET /v2/REPOSITORY/manifests/VERSION.
   * @param version a tag or a digest
   * @throws Failure when the registry cannot be reached, or has no such image
   */
  manifest(version: string, accept: readonly string[]): Promise<Response> {
    return this.get(`manifests/${version}`, { accept: accept.join(', ') });
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
    const { registry, repository } = this.reference;
    const address = new URL(`${this.scheme}//${registry}/v2/${repository}/${path}`);
    const response = await this.follow(address, headers);
    if (response.status !== 401) return this.require(response);
    // The token may be missing, or have run out in the middle of a long pull: ask for a new one, once.
    this.authorization = await this.authorize(response);
    return this.require(await this.follow(address, headers));
  }

  /** Follows redirects by hand: a token is for the registry alone, not for the store that it sends us to. */
  private async follow(start: URL, headers: Readonly<Record<string, string>>): Promise<Response> {
    let address = start;
    for (let hops = 0; hops <= mostRedirects; hops++) {
      const own = address.origin === start.origin && this.authorization !== undefined;
      const authorization = own ? { authorization: String(this.authorization) } : {};
      const response = await this.fetch(address, { ...headers, ...authorization });
      const location = response.headers.get('location');
      if (response.status < 300 || response.status > 399 || location === null) return response;
      await response.body?.cancel();
      address = new URL(location, address);
      this.requireScheme(address);
    }
    throw new Failure(`${start.host} redirects more than ${mostRedirects} times.`, {
      next: 'The registry is set up wrongly: tell its keeper.',
    });
  }

  private async fetch(address: URL, headers: Readonly<Record<string, string>>): Promise<Response> {
    try {
      return await fetch(address, {
        redirect: 'manual',
        signal: this.options.signal,
        // identity: the digest is that of the bytes as they are stored.
        headers: { 'user-agent': 'gontainer', 'accept-encoding': 'identity', ...headers },
      });
    } catch (error) {
      throw new Failure(`Cannot reach ${address.host}: ${networkReason(error)}.`, {
        next: this.options.insecure
          ? 'Is the registry running there, and does it speak plain http?'
          : 'Look at the network and the name; for a registry that speaks plain http add --insecure.',
        cause: error,
      });
    }
  }

  private async authorize(response: Response): Promise<string> {
    const { registry, repository } = this.reference;
    const challenge = parseChallenge(response.headers.get('www-authenticate') ?? '');
    await response.body?.cancel();
    if (challenge?.scheme !== 'bearer' || !URL.canParse(challenge.parameters.realm ?? '')) {
      throw new Failure(`${registry} wants a login for ${repository}, and gontainer pulls without one.`, {
        next: 'Save the image with a tool that is logged in, then: gontainer rootfs import ARCHIVE DIR',
      });
    }
    const { realm = '', service, scope = `repository:${repository}:pull` } = challenge.parameters;
    const address = new URL(realm);
    this.requireScheme(address);
    if (service !== undefined) address.searchParams.set('service', service);
    address.searchParams.set('scope', scope);
    const answer = this.require(await this.fetch(address, { accept: 'application/json' }));
    const { token, access_token: other } = (await answer.json().catch(() => ({}))) as Record<string, unknown>;
    const text = token ?? other;
    if (typeof text === 'string' && text !== '') return `Bearer ${text}`;
    throw new Failure(`${address.host} gave no token for ${repository}.`, { next: 'Try again later.' });
  }

  private get scheme(): string {
    return this.options.insecure ? 'http:' : 'https:';
  }

  /** A registry must not lead from https to where anyone on the way can listen, or to a file. */
  private requireScheme({ protocol, host }: URL): void {
    if (protocol === 'https:' || (protocol === 'http:' && this.options.insecure)) return;
    throw new Failure(
      `${this.reference.registry} leads to ${host} over ${protocol.slice(0, -1)}, not https.`,
      {
        next: 'If you trust the network between here and there, add --insecure.',
      },
    );
  }

  private require(response: Response): Response {
    // 416, "Range Not Satisfiable": what is here already is as long as the blob, or longer.
    if (response.ok || response.status === 416) return response;
    const { registry, repository, version } = this.reference;
    const what = `${repository}${version.includes(':') ? '@' : ':'}${version}`;
    const advice: Readonly<Record<number, string>> = {
      401: 'It may not exist, or may be private: save it with a tool that is logged in, then use rootfs import.',
      403: 'It may not exist, or may be private: save it with a tool that is logged in, then use rootfs import.',
      404: 'Look at the spelling of the name and the tag.',
      429: `Too many requests from here: try again in ${response.headers.get('retry-after') ?? 'some'} seconds.`,
    };
    throw new Failure(`${registry} answers ${response.status} ${response.statusText} for ${what}.`, {
      next: advice[response.status] ?? 'Try again later.',
    });
  }
}

/** fetch hides what the system said in the cause of its error. */
export function networkReason(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return errnoWords(cause);
}
