import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { defaultLimits } from '../../../src/parent/images/archive/limits.js';
import { parseReference } from '../../../src/parent/images/image/image-reference.js';
import { hostPlatform } from '../../../src/parent/images/image/platform.js';
import { type PullRequest, pullRootfs } from '../../../src/parent/images/pull.js';
import { BlobCache, cacheFolder } from '../../../src/parent/images/registry/blob-cache.js';
import { parseChallenges } from '../../../src/parent/images/registry/challenge.js';
import { patience } from '../../until.js';
import { noDebianRegistry, push, pushManifest, startDebianRegistry } from './debian-registry.js';
import { buildImage, indexOf } from './image-builder.js';
import { silent } from './importing.js';
import { contentOf, type LoopbackRegistry, loopbackRegistry } from './loopback-registry.js';
import { file, folder } from './tar-builder.js';
import { identities, runRootfs, workspace } from './workspace.js';

const [owner] = identities;
assert.ok(owner);

const big = randomBytes(500_000).toString('hex');
const image = buildImage([
  [folder('etc'), file('etc/one', 'one'), file('big', big)],
  [file('etc/.wh.one', ''), file('two')],
]);
const foreign = buildImage([[file('foreign')]], { os: 'linux', architecture: 'mips64le' });
const index = indexOf([foreign.manifest, image.manifest]);
const manifestBytes = image.blobs.get(image.manifest.digest) ?? Buffer.alloc(0);
const [bottom = Buffer.alloc(0)] = image.layers;
const bottomDigest = [...image.blobs].find(([, bytes]) => bytes === bottom)?.[0] ?? '';

interface Scene {
  readonly directory: string;
  readonly registry: LoopbackRegistry;
  pull(more?: Partial<PullRequest>): ReturnType<typeof pullRootfs>;
}

/** A registry with the image under the tag `latest` and a cache of the test's own. */
async function scene(t: TestContext, reference = 'some/image'): Promise<Scene> {
  const directory = workspace(t, { name: 'self', uid: process.getuid?.() ?? 0 });
  const registry = await loopbackRegistry(
    t,
    contentOf([image, foreign], { latest: index, single: manifestBytes }),
  );
  return {
    directory,
    registry,
    pull: (more = {}) =>
      pullRootfs({
        reference: parseReference(reference, registry.host),
        insecure: true,
        directory: join(directory, 'root'),
        platform: hostPlatform(),
        limits: defaultLimits,
        progress: silent(),
        cache: new BlobCache(join(directory, 'cache')),
        patience: { silence: patience, firstWait: 1, longestWait: 100 },
        ...more,
      }),
  };
}

function assertPulled(root: string): void {
  assert.deepEqual(readdirSync(root).sort(), ['big', 'etc', 'two']);
  assert.equal(readFileSync(join(root, 'big'), 'utf8'), big);
  assert.deepEqual(readdirSync(join(root, 'etc')), []);
}

const blobRequests = ({ requests }: LoopbackRegistry) => requests.filter((line) => line.includes('/blobs/'));

/** Names in the cache, without the digits of digests and process numbers. */
const cached = (directory: string) => readdirSync(join(directory, 'cache', 'blobs', 'sha256')).sort();

test('pull takes the image for this machine; the second time from the cache', async (t) => {
  const { directory, registry, pull } = await scene(t);
  const made = await pull();
  assertPulled(join(directory, 'root'));
  assert.match(made.digest, /^sha256:/);
  assert.equal(blobRequests(registry).length, 3, 'two layers and a configuration');
  registry.requests.length = 0;
  await pull({ directory: join(directory, 'again') });
  assertPulled(join(directory, 'again'));
  assert.deepEqual(registry.requests, ['GET /v2/some/image/manifests/latest']);
  assert.ok(cached(directory).every((name) => /^[0-9a-f]{64}$/.test(name)));
});

test('pull takes the image of --platform, of a digest, and of a tag without an index', async (t) => {
  const { directory, registry, pull } = await scene(t);
  await pull({ platform: { os: 'linux', architecture: 'mips64le' } });
  assert.deepEqual(readdirSync(join(directory, 'root')), ['foreign']);
  for (const name of [`some/image@${image.manifest.digest}`, 'some/image:single']) {
    const reference = parseReference(name, registry.host);
    const target = join(directory, name.replaceAll('/', '-'));
    await pull({ reference, directory: target });
    assertPulled(target);
  }
  await assert.rejects(
    pull({ directory: join(directory, 'none'), platform: { os: 'linux', architecture: 's390x' } }),
    /no image for linux\/s390x/,
  );
});

test('a download that breaks off goes on where it ended, in the same run', async (t) => {
  const { directory, registry, pull } = await scene(t);
  let broken = 0;
  registry.misbehave = (request, response) => {
    if (request.url?.includes(bottomDigest) !== true || broken++ > 0) return false;
    response.writeHead(200, { 'content-length': bottom.length });
    response.write(bottom.subarray(0, 100_000), () => response.destroy());
    return true;
  };
  await pull();
  assertPulled(join(directory, 'root'));
  const asked = blobRequests(registry).filter((line) => line.includes(bottomDigest));
  assert.equal(asked.length, 2);
  assert.match(asked[1] ?? '', / bytes=\d+-$/);
  assert.notEqual(asked[1]?.split('=')[1], '0-');
});

test('a download that breaks off again and again is taken up as long as it comes further', async (t) => {
  const { directory, registry, pull } = await scene(t);
  registry.misbehave = (request, response) => {
    if (request.url?.includes(bottomDigest) !== true) return false;
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const range = `bytes ${start}-${bottom.length - 1}/${bottom.length}`;
    response.writeHead(start === 0 ? 200 : 206, {
      'content-length': bottom.length - start,
      ...(start === 0 ? {} : { 'content-range': range }),
    });
    const next = bottom.subarray(start, start + Math.ceil(bottom.length / 6));
    response.write(next, () => {
      if (start + next.length === bottom.length) response.end();
      else response.destroy();
    });
    return true;
  };
  await pull();
  assertPulled(join(directory, 'root'));
  assert.ok(blobRequests(registry).filter((line) => line.includes(bottomDigest)).length > 5);
});

test('a download that broke off goes on where it ended, in the next run', async (t) => {
  const { directory, registry, pull } = await scene(t);
  let sent = false;
  registry.misbehave = (request, response) => {
    if (request.url?.includes(bottomDigest) !== true) return false;
    if (sent) {
      response.destroy();
      return true;
    }
    sent = true;
    response.writeHead(200, { 'content-length': bottom.length });
    response.write(bottom.subarray(0, 100_000), () => response.destroy());
    return true;
  };
  await assert.rejects(pull(), { message: /Cannot reach|broke off/ });
  const partial = cached(directory).find((name) => name.includes('.partial.')) ?? '';
  const kept = statSync(join(directory, 'cache', 'blobs', 'sha256', partial)).size;
  assert.ok(kept > 0 && kept <= 100_000, String(kept));
  assert.ok(!existsSync(join(directory, 'root')));
  registry.misbehave = () => false;
  registry.requests.length = 0;
  await pull();
  assertPulled(join(directory, 'root'));
  assert.ok(registry.requests.some((line) => line.endsWith(`${bottomDigest} bytes=${kept}-`)));
  assert.ok(cached(directory).every((name) => !name.includes('partial')));
});

test('what a process that is gone left of a blob is taken over', async (t) => {
  const { directory, registry, pull } = await scene(t);
  const folder = join(directory, 'cache', 'blobs', 'sha256');
  mkdirSync(folder, { recursive: true });
  const hex = bottomDigest.slice('sha256:'.length);
  // Larger than any process number: /proc/sys/kernel/pid_max is at most 4194304.
  writeFileSync(join(folder, `${hex}.partial.99999999`), bottom.subarray(0, 1234));
  await pull();
  assertPulled(join(directory, 'root'));
  assert.ok(registry.requests.some((line) => line.endsWith(' bytes=1234-')));
});

test('a registry that does not know ranges sends the blob from its start', async (t) => {
  const { directory, registry, pull } = await scene(t);
  let tries = 0;
  registry.misbehave = (request, response) => {
    if (request.url?.includes(bottomDigest) !== true) return false;
    response.writeHead(200, { 'content-length': bottom.length });
    if (tries++ === 0) response.write(bottom.subarray(0, 50_000), () => response.destroy());
    else response.end(bottom);
    return true;
  };
  await pull();
  assertPulled(join(directory, 'root'));
});

test('a range that is not the one asked for, or cannot be had, begins anew', async (t) => {
  for (const answer of ['another range', 'none']) {
    const { directory, registry, pull } = await scene(t);
    const folder = join(directory, 'cache', 'blobs', 'sha256');
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, `${bottomDigest.slice('sha256:'.length)}.partial.99999999`),
      bottom.subarray(0, 10),
    );
    registry.misbehave = (request, response) => {
      if (request.headers.range === undefined) return false;
      if (answer === 'none') response.writeHead(416).end();
      else
        response
          .writeHead(206, { 'content-range': `bytes 5-20/${bottom.length}` })
          .end(bottom.subarray(5, 21));
      return true;
    };
    await pull();
    assertPulled(join(directory, 'root'));
  }
});

test('a wrong digest, too many bytes and a damaged partial file are refused and not kept', async (t) => {
  const wrong = Buffer.from(bottom);
  wrong[1000] = (wrong[1000] ?? 0) ^ 1;
  for (const [bytes, reason] of [
    [wrong, /layer 1 of 2 is not what the image says: its digest is/],
    [Buffer.concat([bottom, Buffer.from('more')]), /layer 1 of 2 is not what the image says: more than its/],
  ] as const) {
    const { directory, registry, pull } = await scene(t);
    registry.misbehave = (request, response) => {
      if (request.url?.includes(bottomDigest) !== true) return false;
      response.writeHead(200).end(bytes);
      return true;
    };
    await assert.rejects(pull(), { name: 'Failure', status: 125, message: reason });
    assert.ok(!existsSync(join(directory, 'root')));
    assert.ok(cached(directory).every((name) => !name.startsWith(bottomDigest.slice('sha256:'.length))));
    assert.deepEqual(readdirSync(directory), ['cache']);
    registry.misbehave = () => false;
    await pull();
    assertPulled(join(directory, 'root'));
  }
});

test('a manifest that is not what its digest says is refused', async (t) => {
  const { registry, pull } = await scene(t);
  registry.misbehave = (request, response) => {
    if (request.url?.includes(image.manifest.digest) !== true) return false;
    response.writeHead(200).end(foreign.blobs.get(foreign.manifest.digest));
    return true;
  };
  // It is shorter: that could also be a connection that broke.
  await assert.rejects(pull(), /broke off: only \d+ of \d+ bytes came/);
  await assert.rejects(
    pull({ reference: parseReference(`some/image@${image.manifest.digest}`, registry.host) }),
    /is not what the image says/,
  );
});

test('a damaged cache is found out, dropped, and fetched again', async (t) => {
  const { directory, pull } = await scene(t);
  await pull();
  const path = join(directory, 'cache', 'blobs', 'sha256', bottomDigest.slice('sha256:'.length));
  const bytes = readFileSync(path);
  bytes[bytes.length - 4] = (bytes.at(-4) ?? 0) ^ 1;
  writeFileSync(path, bytes);
  await assert.rejects(pull({ directory: join(directory, 'again') }), { name: 'Failure' });
  assert.ok(!existsSync(join(directory, 'again')));
  await pull({ directory: join(directory, 'again') });
  assertPulled(join(directory, 'again'));
});

test('a token is fetched when asked for, renewed when it runs out, and kept from other hosts', async (t) => {
  const { directory, registry, pull } = await scene(t);
  const store = await loopbackRegistry(t, contentOf([image], {}));
  let tokens = 0;
  registry.misbehave = (request, response) => {
    const url = new URL(request.url ?? '', `http://${registry.host}`);
    if (url.pathname === '/token') {
      assert.equal(url.searchParams.get('service'), 'the "registry"');
      assert.equal(url.searchParams.get('scope'), 'repository:some/image:pull');
      tokens += 1;
      response.end(JSON.stringify({ access_token: `token-${tokens}` }));
      return true;
    }
    // The first token runs out as soon as blobs are asked for.
    const wanted = url.pathname.includes('/blobs/') ? 'Bearer token-2' : 'Bearer token-';
    if (request.headers.authorization?.startsWith(wanted) !== true) {
      const realm = `http://${registry.host}/token`;
      const challenge = `Bearer realm="${realm}",service="the \\"registry\\"",scope="repository:some/image:pull"`;
      response.writeHead(401, { 'www-authenticate': challenge }).end();
      return true;
    }
    if (!url.pathname.includes('/blobs/')) return false;
    response.writeHead(307, { location: `http://${store.host}${url.pathname}` }).end();
    return true;
  };
  await pull();
  assertPulled(join(directory, 'root'));
  assert.equal(tokens, 2);
  assert.equal(blobRequests(store).length, 3);
  assert.deepEqual([...new Set(store.authorizations.values())], [undefined]);
});

test('what a registry refuses is said in one sentence, with what to do', async (t) => {
  for (const [status, headers, message, next] of [
    [404, {}, /answers 404 Not Found for some\/image:latest\.$/, /spelling/],
    [401, { 'www-authenticate': 'Basic realm="x"' }, /wants a login for some\/image/, /--username/],
    [403, {}, /answers 403/, /private/],
    [429, { 'retry-after': '17' }, /answers 429/, /17 seconds/],
    [500, {}, /answers 500/, /later/],
    [302, { location: '/v2/again' }, /redirects more than 5 times/, /keeper/],
    [302, { location: 'ftp://127.0.0.1/' }, /over ftp, not https/, /--insecure/],
  ] as const) {
    const { directory, registry, pull } = await scene(t);
    registry.misbehave = (_, response) => {
      response.writeHead(status, headers).end();
      return true;
    };
    await assert.rejects(pull(), { name: 'Failure', status: 125, message, next });
    assert.deepEqual(readdirSync(directory), []);
  }
});

test('a registry that is not there is named', async (t) => {
  const { directory, registry, pull } = await scene(t);
  const reference = { ...parseReference('some/image', registry.host), registry: '127.0.0.1:1' };
  // Port 1 is among those that fetch never asks; a registry that is down is refused by the system.
  await assert.rejects(pull({ reference }), /Cannot reach 127\.0\.0\.1:1: /);
  assert.deepEqual(readdirSync(directory), []);
});

test('a registry of this machine that speaks no https is asked by plain http, without --insecure', async (t) => {
  const { directory, pull } = await scene(t);
  await pull({ insecure: false });
  assertPulled(join(directory, 'root'));
});

for (const user of identities) {
  test(`pull from a real registry as ${user.name}`, { skip: noDebianRegistry }, async (t) => {
    const storage = workspace(t, { name: 'self', uid: process.getuid?.() ?? 0 });
    const directory = workspace(t, user);
    const host = await startDebianRegistry(t, storage);
    for (const pushed of [image, foreign]) await push(host, 'some/image', pushed);
    await pushManifest(host, 'some/image', 'latest', 'application/vnd.oci.image.index.v1+json', index);
    const environment = { XDG_CACHE_HOME: join(directory, 'cache') };
    const words = ['pull', '--insecure', '--registry', host, 'some/image'];
    const pulled = runRootfs(user, [...words, join(directory, 'root')], environment);
    assert.equal(pulled.status, 0, pulled.stderr);
    assert.match(
      pulled.stderr,
      /^Made .*: 3 files, .* from some\/image \(2 layers\), sha256:[0-9a-f]{64}\.\nNext: .*\n$/,
    );
    assertPulled(join(directory, 'root'));
    const other = runRootfs(
      user,
      [...words, '--platform', 'linux/mips64le', join(directory, 'other')],
      environment,
    );
    assert.equal(other.status, 0, other.stderr);
    assert.deepEqual(readdirSync(join(directory, 'other')), ['foreign']);
    const named = runRootfs(
      user,
      ['pull', '--insecure', `${host}/some/image:none`, join(directory, 'none')],
      environment,
    );
    assert.equal(named.status, 125);
    assert.match(named.stderr, /answers 404 Not Found for some\/image:none/);
    const records = ['.other.gontainer.json', '.root.gontainer.json'];
    assert.deepEqual(readdirSync(directory).sort(), [...records, 'cache', 'other', 'root']);
    assert.equal(statSync(join(directory, 'cache', 'gontainer')).mode & 0o777, 0o700);
  });
}

test('the name of an image is read as docker reads it', () => {
  const digest = `sha256:${'0'.repeat(64)}`;
  for (const [text, registry, expected] of [
    ['alpine', undefined, 'registry-1.docker.io library/alpine latest'],
    ['alpine:3.20', undefined, 'registry-1.docker.io library/alpine 3.20'],
    ['docker.io/alpine', undefined, 'registry-1.docker.io library/alpine latest'],
    ['docker.io/some/image', undefined, 'registry-1.docker.io some/image latest'],
    ['some/image', undefined, 'registry-1.docker.io some/image latest'],
    ['localhost/image', undefined, 'localhost image latest'],
    ['localhost:5000/a/b/c:tag', undefined, 'localhost:5000 a/b/c tag'],
    ['REGISTRY/image', undefined, 'REGISTRY image latest'],
    ['example.com/image', undefined, 'example.com image latest'],
    [`image:tag@${digest}`, undefined, `registry-1.docker.io library/image ${digest}`],
    ['alpine', 'localhost:5000', 'localhost:5000 alpine latest'],
    ['docker.io/alpine:3', 'localhost:5000', 'localhost:5000 library/alpine 3'],
    ['some/image:x', '[::1]:5000', '[::1]:5000 some/image x'],
  ] as const) {
    const { registry: host, repository, version } = parseReference(text, registry);
    assert.equal(`${host} ${repository} ${version}`, expected, text);
  }
  for (const text of [
    '',
    'UPPER',
    'a//b',
    'a:',
    'a@',
    'a@sha256:00',
    'a b',
    '../a',
    'a/../b',
    'a?b',
    'a:b/c:d:e',
    ':tag',
  ]) {
    assert.throws(() => parseReference(text), { name: 'Failure', status: 2 }, text);
  }
  assert.throws(() => parseReference('a', 'host/path'), { status: 2 });
  assert.throws(() => parseReference('a', 'user@host'), { status: 2 });
});

test('every challenge of an answer is read, whatever their order, with quoted and bare parameters', () => {
  const of = (header: string) =>
    parseChallenges(header).map(({ scheme, parameters }) => [scheme, parameters]);
  assert.deepEqual(of('Bearer realm="https://a/b?c,d", service=s ,scope="x \\"y\\""'), [
    ['bearer', { realm: 'https://a/b?c,d', service: 's', scope: 'x "y"' }],
  ]);
  const bearer = ['bearer', { realm: 'https://t/', service: 'r' }];
  for (const header of [
    'Basic realm="x", Negotiate, Bearer realm="https://t/",service="r"',
    'Negotiate YWJj==, Bearer realm="https://t/", service="r", Basic realm="x, y"',
    'Bearer service=r , realm=https://t/, , Digest qop="auth,int", nonce="Basic realm=z"',
  ]) {
    assert.deepEqual(
      of(header).filter(([scheme]) => scheme === 'bearer'),
      [bearer],
      header,
    );
  }
  assert.deepEqual(of(''), []);
  assert.deepEqual(of('=,="'), []);
});

test('the cache is where the XDG specification says', () => {
  assert.equal(cacheFolder({ XDG_CACHE_HOME: '/somewhere' }), '/somewhere/gontainer');
  for (const ignored of [{}, { XDG_CACHE_HOME: '' }, { XDG_CACHE_HOME: 'relative' }]) {
    assert.equal(cacheFolder(ignored), join(homedir(), '.cache', 'gontainer'));
  }
});
