/** A registry on the loopback interface that serves images from memory, and misbehaves when told to. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BuiltImage } from './image-builder.js';

export interface LoopbackRegistry {
  /** HOST:PORT. */
  readonly host: string;
  /** `METHOD PATH` of each request so far, with ` RANGE` if it had one. */
  readonly requests: string[];
  /** The Authorization header of each request so far, by path. */
  readonly authorizations: Map<string, string | undefined>;
  /** Answers a request in its own way; true if it did. */
  misbehave: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** Content by path under /v2/. */
export function contentOf(
  images: readonly BuiltImage[],
  tags: Readonly<Record<string, Buffer>>,
): Map<string, Buffer> {
  const content = new Map<string, Buffer>();
  for (const { blobs } of images) {
    for (const [digest, bytes] of blobs) {
      content.set(`some/image/blobs/${digest}`, bytes);
      content.set(`some/image/manifests/${digest}`, bytes);
    }
  }
  for (const [tag, bytes] of Object.entries(tags)) content.set(`some/image/manifests/${tag}`, bytes);
  return content;
}

export async function loopbackRegistry(
  test: { after(done: () => Promise<void>): void },
  content: ReadonlyMap<string, Buffer>,
): Promise<LoopbackRegistry> {
  const server = createServer((request, response) => {
    const range = request.headers.range;
    const url = request.url ?? '';
    registry.requests.push(`${request.method} ${url}${range === undefined ? '' : ` ${range}`}`);
    registry.authorizations.set(url, request.headers.authorization);
    if (registry.misbehave(request, response)) return;
    const bytes = content.get(url.replace(/^\/v2\//, ''));
    if (bytes === undefined) {
      response.writeHead(404).end();
      return;
    }
    const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const headers = { 'content-length': bytes.length - start };
    if (start === 0) response.writeHead(200, headers);
    else
      response.writeHead(206, {
        ...headers,
        'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}`,
      });
    response.end(bytes.subarray(start));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  test.after(
    () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  const registry: LoopbackRegistry = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    authorizations: new Map(),
    misbehave: () => false,
  };
  return registry;
}
