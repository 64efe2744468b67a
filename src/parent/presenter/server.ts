/** The presenter's web server: one page, and its stream of events, for whoever has the address. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Failure } from '../../common/failure.js';
import { errnoWords } from '../../common/kernel/kernel-error.js';
import { Access, newToken } from './access.js';
import { type Audience, mostListeners } from './audience.js';

const headers = {
  'Cache-Control': 'no-store',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

/**
 * So many connections may be open that have not shown the secret. One more ends the oldest: whoever opens hundreds and
 * sends half a request on each keeps nobody out.
 */
const mostUnknown = 32;

/** Milliseconds: a browser on this machine sends its request at once. */
const limits = { headersTimeout: 3000, requestTimeout: 5000, connectionsCheckingInterval: 500 };

export interface Page {
  readonly html: string;
  /** The value of Content-Security-Policy. */
  readonly policy: string;
}

export class PresenterServer {
  private readonly server: Server;
  private readonly token = newToken();
  /** In the order in which they came. */
  private readonly unknown = new Set<Socket>();

  constructor(
    private readonly page: Page,
    private readonly audience: Audience,
  ) {
    this.server = createServer({ maxHeaderSize: 8192, ...limits }, (request, response) =>
      this.answer(request, response),
    );
    this.server.on('connection', (socket) => this.meet(socket));
  }

  /**
   * @param port 0 for a free one
   * @returns the address of the page
   * @throws Failure when the port is not to be had
   */
  async listen(port: number): Promise<string> {
    await new Promise<void>((done, failed) => {
      this.server.once('error', (error) => failed(unavailable(port, error)));
      this.server.listen({ port, host: '127.0.0.1', exclusive: true }, done);
    });
    return `http://127.0.0.1:${this.port}/${this.token}/`;
  }

  close(): void {
    this.audience.end();
    this.server.close();
    this.server.closeAllConnections();
  }

  private get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  private meet(socket: Socket): void {
    this.unknown.add(socket);
    socket.once('close', () => this.unknown.delete(socket));
    const [oldest] = this.unknown;
    if (this.unknown.size > mostUnknown) oldest?.destroy();
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    // What a request brings along is of no interest.
    request.resume();
    const checked = new Access(this.token, this.port).check(request);
    if ('reason' in checked) {
      say(response, checked.status, checked.reason);
      return;
    }
    this.unknown.delete(request.socket);
    switch (checked.path) {
      case '/':
        response.writeHead(200, {
          ...headers,
          'Content-Type': 'text/html; charset=utf-8',
          'Content-Security-Policy': this.page.policy,
        });
        response.end(this.page.html);
        return;
      case '/events': {
        if (this.audience.size >= mostListeners) {
          say(response, 503, `There are ${mostListeners} browsers already.`);
          return;
        }
        response.writeHead(200, { ...headers, 'Content-Type': 'text/event-stream' });
        const { searchParams } = new URL(request.url ?? '', 'http://127.0.0.1');
        const chosen = searchParams.get('launch') ?? searchParams.get('step');
        this.audience.join(response, chosen ?? undefined);
        return;
      }
      default:
        say(response, 404, 'There is only the one page.');
    }
  }
}

function say(response: ServerResponse, status: number, sentence: string): void {
  if (status === 405) response.setHeader('Allow', 'GET');
  response.writeHead(status, {
    ...headers,
    'Content-Type': 'text/plain; charset=utf-8',
    Connection: 'close',
  });
  response.end(`${sentence}\n`);
}

function unavailable(port: number, error: NodeJS.ErrnoException): Failure {
  const next =
    error.code === 'EADDRINUSE'
      ? 'Another presenter, or another program, has it: name another --port, or none for a free one.'
      : 'Name another --port, or none for a free one.';
  return new Failure(`port ${port} of 127.0.0.1 cannot be listened on: ${errnoWords(error)}`, { next });
}
