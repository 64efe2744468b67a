/** The registry of the Debian package docker-registry, started by hand on the loopback interface. */
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { until } from '../../until.js';
import type { BuiltImage } from './image-builder.js';

export const noDebianRegistry =
  spawnSync('docker-registry', ['--version']).status === 0
    ? false
    : 'the package docker-registry is not installed';

/** Starts it with its storage in `directory`. @returns HOST:PORT */
export async function startDebianRegistry(
  test: { after(done: () => Promise<void>): void },
  directory: string,
): Promise<string> {
  const host = `127.0.0.1:${await freePort()}`;
  const config = join(directory, 'config.yml');
  writeFileSync(
    config,
    [
      'version: 0.1',
      'log: { level: error }',
      `storage: { filesystem: { rootdirectory: ${JSON.stringify(join(directory, 'storage'))} } }`,
      `http: { addr: ${host} }`,
      '',
    ].join('\n'),
  );
  const child = spawn('docker-registry', ['serve', config], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  test.after(() => {
    child.kill();
    return ended;
  });
  return until('docker-registry does not answer', async () => {
    if (child.exitCode !== null) throw new Error('docker-registry did not start');
    const answer = await fetch(`http://${host}/v2/`).catch(() => undefined);
    await answer?.body?.cancel();
    return answer?.ok && host;
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Pushes an image by its digest: OCI distribution specification, "Pushing blobs" (POST then PUT) and "Pushing manifests". */
export async function push(host: string, repository: string, image: BuiltImage): Promise<void> {
  for (const [digest, bytes] of image.blobs) {
    if (digest === image.manifest.digest) continue;
    const begun = await fetch(`http://${host}/v2/${repository}/blobs/uploads/`, { method: 'POST' });
    const address = new URL(begun.headers.get('location') ?? '', `http://${host}`);
    address.searchParams.set('digest', digest);
    await expectCreated(await fetch(address, { method: 'PUT', body: new Uint8Array(bytes) }));
  }
  const bytes = image.blobs.get(image.manifest.digest) ?? Buffer.alloc(0);
  await pushManifest(host, repository, image.manifest.digest, image.manifest.mediaType, bytes);
}

export async function pushManifest(
  host: string,
  repository: string,
  version: string,
  mediaType: string,
  bytes: Buffer,
): Promise<void> {
  const address = `http://${host}/v2/${repository}/manifests/${version}`;
  const request = { method: 'PUT', headers: { 'content-type': mediaType }, body: new Uint8Array(bytes) };
  await expectCreated(await fetch(address, request));
}

async function expectCreated(response: Response): Promise<void> {
  if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`);
  await response.body?.cancel();
}
