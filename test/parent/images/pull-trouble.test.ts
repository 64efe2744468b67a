/** A registry that is slow, busy, breaks off, or asks who we are. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { defaultLimits } from '../../../src/parent/images/archive/limits.js';
import { parseReference } from '../../../src/parent/images/image/image-reference.js';
import { hostPlatform } from '../../../src/parent/images/image/platform.js';
import { type PullRequest, pullRootfs } from '../../../src/parent/images/pull.js';
import { BlobCache } from '../../../src/parent/images/registry/blob-cache.js';
import { findCredentials } from '../../../src/parent/images/registry/credentials.js';
import { lacking } from '../../system-packages.js';
import { patience } from '../../until.js';
import { buildImage } from './image-builder.js';
import { silent } from './importing.js';
import { contentOf, type LoopbackRegistry, loopbackRegistry } from './loopback-registry.js';
import { file } from './tar-builder.js';
import { identities, runRootfs, startRootfs, workspace } from './workspace.js';

const [owner] = identities;
assert.ok(owner);

const big = randomBytes(200_000).toString('hex');
const image = buildImage(Array.from({ length: 8 }, (_, index) => [file(`layer-${index}`, `${index}${big}`)]));
const manifestBytes = image.blobs.get(image.manifest.digest) ?? Buffer.alloc(0);
const layerDigests = [...image.blobs]
  .filter(([, bytes]) => image.layers.includes(bytes))
  .map(([digest]) => digest);

interface Scene {
  readonly directory: string;
  readonly registry: LoopbackRegistry;
  pull(more?: Partial<PullRequest>): ReturnType<typeof pullRootfs>;
}

/** @param silence how long nothing may come from the registry, in milliseconds */
async function scene(t: TestContext, silence = patience): Promise<Scene> {
  const directory = workspace(t, { name: 'self', uid: process.getuid?.() ?? 0 });
  const registry = await loopbackRegistry(t, contentOf([image], { latest: manifestBytes }));
  const pull: Scene['pull'] = (more = {}) =>
    pullRootfs({
      reference: parseReference('some/image', registry.host),
      insecure: true,
      directory: join(directory, 'root'),
      platform: hostPlatform(),
      limits: defaultLimits,
      progress: silent(),
      cache: new BlobCache(join(directory, 'cache')),
      patience: { silence, firstWait: 1, longestWait: 1_000 },
      ...more,
    });
  return { directory, registry, pull };
}

function assertPulled(directory: string): void {
  const names = readdirSync(join(directory, 'root')).sort();
  assert.deepEqual(
    names,
    image.layers.map((_, index) => `layer-${index}`),
  );
  assert.equal(readFileSync(join(directory, 'root', 'layer-7'), 'utf8'), `7${big}`);
}

/** The first `count` requests for each path are answered by `answer`. */
function firstTimes(
  count: number,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): LoopbackRegistry['misbehave'] {
  const seen = new Map<string, number>();
  return (request, response) => {
    const times = (seen.get(request.url ?? '') ?? 0) + 1;
    seen.set(request.url ?? '', times);
    if (times > count) return false;
    answer(request, response);
    return true;
  };
}

test('who has neither HOME nor a line in passwd pulls, and keeps nothing but the root', {
  skip: process.getuid?.() !== 0 && 'needs root',
}, async (t) => {
  const nobody = { name: 'somebody unknown', uid: 54_321 };
  const directory = workspace(t, nobody);
  const temporary = workspace(t, nobody);
  const registry = await loopbackRegistry(t, contentOf([image], { latest: manifestBytes }));
  const words = ['pull', '--insecure', `${registry.host}/some/image`, join(directory, 'root')];
  const child = startRootfs(nobody, words, { HOME: undefined, TMPDIR: temporary });
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  assert.equal(await new Promise((resolve) => child.once('close', resolve)), 0, said);
  assertPulled(directory);
  assert.deepEqual(readdirSync(temporary), []);
});

for (const [what, answer] of [
  ['429 with Retry-After', (_, response) => response.writeHead(429, { 'retry-after': '0' }).end()],
  [
    '429 with a date',
    (_, response) => response.writeHead(429, { 'retry-after': new Date(0).toUTCString() }).end(),
  ],
  ['500', (_, response) => response.writeHead(500).end('an explanation')],
  ['503', (_, response) => response.writeHead(503).end()],
  ['a reset before the headers', (_, response) => response.destroy()],
  ['silence', () => {}],
  [
    'a reset after the headers',
    (_, response) => {
      response.writeHead(200, { 'content-length': 100_000 }).flushHeaders();
      setImmediate(() => response.destroy());
    },
  ],
] as const satisfies readonly (readonly [
  string,
  (request: IncomingMessage, response: ServerResponse) => unknown,
])[]) {
  test(`where every answer is first ${what}, the image is pulled all the same`, async (t) => {
    const { directory, registry, pull } = await scene(t, what === 'silence' ? 1_000 : undefined);
    registry.misbehave = firstTimes(2, answer);
    await pull();
    assertPulled(directory);
  });
}

test('a busy answer in the middle of a resumed download does not lose what came', async (t) => {
  const { directory, registry, pull } = await scene(t);
  const [digest = ''] = layerDigests;
  const bytes = image.blobs.get(digest) ?? Buffer.alloc(0);
  const asked: (string | undefined)[] = [];
  registry.misbehave = (request, response) => {
    if (!request.url?.includes(digest)) return false;
    asked.push(request.headers.range);
    if (asked.length === 1) {
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, 60_000), () => response.destroy());
      return true;
    }
    if (asked.length === 2) response.writeHead(503).end();
    return asked.length === 2;
  };
  await pull();
  assertPulled(directory);
  assert.equal(asked[0], undefined);
  assert.match(asked[1] ?? '', /^bytes=[1-9]/);
  assert.equal(asked[2], asked[1]);
});

test('a connection from which nothing comes any more is taken up again where it stalled', async (t) => {
  const { directory, registry, pull } = await scene(t, 1_000);
  const [digest = ''] = layerDigests;
  const bytes = image.blobs.get(digest) ?? Buffer.alloc(0);
  const asked: (string | undefined)[] = [];
  registry.misbehave = (request, response) => {
    if (!request.url?.includes(digest)) return false;
    asked.push(request.headers.range);
    if (asked.length > 1) return false;
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, 60_000));
    return true;
  };
  await pull();
  assertPulled(directory);
  assert.match(asked[1] ?? '', /^bytes=[1-9]/);
});

test('a registry that stays busy is given up, with what it said', async (t) => {
  const { directory, registry, pull } = await scene(t);
  registry.misbehave = (_, response) => {
    response.writeHead(503).end();
    return true;
  };
  await assert.rejects(pull(), { message: /answers 503/, next: /later/ });
  assert.equal(registry.requests.length, 5);
  assert.deepEqual(readdirSync(directory), []);
});

test('a registry that asks for more patience than there is is not waited for', async (t) => {
  const { registry, pull } = await scene(t);
  registry.misbehave = (_, response) => {
    response.writeHead(429, { 'retry-after': '7200' }).end();
    return true;
  };
  await assert.rejects(pull(), { message: /answers 429/, next: /7200 seconds/ });
  assert.equal(registry.requests.length, 1);
});

test('six layers come at the same time, and no more', async (t) => {
  const { directory, registry, pull } = await scene(t);
  const held: ServerResponse[] = [];
  let most = 0;
  registry.misbehave = (request, response) => {
    const digest = layerDigests.find((one) => request.url?.endsWith(one));
    if (digest === undefined) return false;
    held.push(response);
    most = Math.max(most, held.length);
    // The sixth request lets all go on: with fewer at once, this test would wait for ever.
    if (held.length + (layerDigests.length - 8) === 6) {
      setImmediate(() => {
        registry.misbehave = () => false;
        for (const one of held.splice(0)) one.destroy();
      });
    }
    return true;
  };
  await pull();
  assertPulled(directory);
  assert.equal(most, 6);
});

test('one layer that cannot be had ends the pull, and leaves nothing but the cache', async (t) => {
  const { directory, registry, pull } = await scene(t);
  registry.misbehave = (request, response) => {
    if (request.url?.endsWith(layerDigests[5] ?? '-') !== true) return false;
    response.writeHead(404).end();
    return true;
  };
  await assert.rejects(pull(), { message: /answers 404/ });
  assert.deepEqual(readdirSync(directory), ['cache']);
});

test('a pull by digest of what is cached asks nobody', async (t) => {
  const { directory, registry, pull } = await scene(t);
  await pull();
  registry.requests.length = 0;
  const reference = parseReference(`some/image@${image.manifest.digest}`, registry.host);
  await pull({ reference, directory: join(directory, 'again') });
  assert.deepEqual(registry.requests, []);
  assert.ok(existsSync(join(directory, 'again', 'layer-7')));
});

/** A registry that wants a token for everything; `handOut` answers the request for one. */
function wantTokens(
  registry: LoopbackRegistry,
  challenge: (realm: string) => string | string[],
  handOut: (request: IncomingMessage, response: ServerResponse) => void,
): void {
  registry.misbehave = (request, response) => {
    if (request.url?.startsWith('/token')) {
      handOut(request, response);
      return true;
    }
    if (request.headers.authorization === 'Bearer T') return false;
    response.writeHead(401, { 'www-authenticate': challenge(`http://${registry.host}/token`) }).end();
    return true;
  };
}

for (const [what, challenge] of [
  [
    'after Basic and Negotiate in one header',
    (realm) => `Negotiate, Basic realm="x", Bearer realm="${realm}"`,
  ],
  ['before Basic in one header', (realm) => `Bearer realm="${realm}",service="s", Basic realm="x"`],
  ['in the second of two headers', (realm) => ['Basic realm="x"', `Bearer realm="${realm}"`]],
] as const satisfies readonly (readonly [string, (realm: string) => string | string[]])[]) {
  test(`a challenge for a token is found ${what}`, async (t) => {
    const { directory, registry, pull } = await scene(t);
    wantTokens(registry, challenge, (_, response) => response.end('{"token":"","access_token":"T"}'));
    await pull();
    assertPulled(directory);
  });
}

test('an endless answer to the request for a token is given up', async (t) => {
  const { registry, pull } = await scene(t);
  let sent = 0;
  const piece = Buffer.alloc(256 * 1024, ' ');
  wantTokens(
    registry,
    (realm) => `Bearer realm="${realm}"`,
    (_, response) => {
      const more = (): void => {
        if (response.destroyed) return;
        sent += piece.length;
        response.write(piece, more);
      };
      more();
    },
  );
  await assert.rejects(pull(), { message: /token of .* is longer than \d+ bytes/ });
  assert.ok(sent < 64 * 1024 * 1024, `${sent} bytes were taken`);
});

const password = { kind: 'password', username: 'user', password: 'secret:with colon' } as const;
const basic = `Basic ${Buffer.from('user:secret:with colon').toString('base64')}`;

test('a login is sent to where tokens are made, and the token to the registry alone', async (t) => {
  const { directory, registry, pull } = await scene(t);
  const store = await loopbackRegistry(t, contentOf([image], {}));
  const tokenServer = await loopbackRegistry(t, new Map());
  const logins: (string | undefined)[] = [];
  tokenServer.misbehave = (request, response) => {
    logins.push(request.headers.authorization);
    response.end('{"token":"T"}');
    return true;
  };
  registry.misbehave = (request, response) => {
    if (request.headers.authorization !== 'Bearer T') {
      const realm = `http://${tokenServer.host}/token`;
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}"` }).end();
      return true;
    }
    if (!request.url?.includes('/blobs/')) return false;
    response.writeHead(307, { location: `http://${store.host}${request.url}` }).end();
    return true;
  };
  await pull({ credentials: () => password });
  assertPulled(directory);
  assert.deepEqual(logins, [basic]);
  assert.deepEqual([...new Set(store.authorizations.values())], [undefined]);
});

test('an identity token is exchanged for one that pulls', async (t) => {
  const { directory, registry, pull } = await scene(t);
  let form = '';
  wantTokens(
    registry,
    (realm) => `Bearer realm="${realm}",service="s"`,
    (request, response) => {
      assert.equal(request.method, 'POST');
      request.on('data', (bytes) => {
        form += bytes;
      });
      request.on('end', () => response.end('{"access_token":"T"}'));
    },
  );
  await pull({ credentials: () => ({ kind: 'identity', token: 'I' }) });
  assertPulled(directory);
  const fields = Object.fromEntries(new URLSearchParams(form));
  assert.equal(fields.refresh_token, 'I');
  assert.equal(fields.grant_type, 'refresh_token');
  assert.equal(fields.scope, 'repository:some/image:pull');
});

test('--username and --password-stdin log in where the registry wants name and password, and are not shown', async (t) => {
  const { directory, registry } = await scene(t);
  registry.misbehave = (request, response) => {
    if (request.headers.authorization === basic) return false;
    response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    return true;
  };
  const words = ['pull', '--username', 'user', '--password-stdin', `${registry.host}/some/image`];
  // The registry is in this process: it must go on while the program runs.
  for (const [input, status] of [
    ['secret:with colon\n', 0],
    ['another secret', 125],
  ] as const) {
    const child = startRootfs(owner, [...words, join(directory, `root-${status}`)], { HOME: directory });
    let said = '';
    child.stderr.on('data', (text) => {
      said += text;
    });
    child.stdin.end(input);
    assert.equal(await new Promise((resolve) => child.once('close', resolve)), status, said);
    assert.doesNotMatch(said, /secret/);
  }
  assert.equal(
    runRootfs(owner, ['pull', '--username', 'user', 'some/image', join(directory, 'x')]).status,
    2,
  );
  assert.equal(
    runRootfs(owner, ['pull', '--password-stdin', 'some/image', join(directory, 'x')], {}, Buffer.from('p'))
      .status,
    2,
  );
});

test("the login that docker's and the containers' tools left is found, and no other registry's", (t) => {
  const home = workspace(t, owner);
  const auth = (text: string): string => Buffer.from(text).toString('base64');
  const write = (path: string, value: unknown): void => {
    mkdirSync(join(home, path, '..'), { recursive: true });
    writeFileSync(join(home, path), JSON.stringify(value));
  };
  const helper = join(home, 'bin', 'docker-credential-test');
  mkdirSync(join(home, 'bin'));
  writeFileSync(
    helper,
    '#!/bin/sh\nread -r name\ncase $name in helped.example) echo \'{"Username":"h","Secret":"hs"}\';;\n' +
      'tokens.example) echo \'{"Username":"<token>","Secret":"it"}\';;\n*) echo not found; exit 1;; esac\n',
  );
  chmodSync(helper, 0o755);
  write('.docker/config.json', {
    auths: {
      'https://index.docker.io/v1/': { auth: auth('hub:hp') },
      'plain.example': { auth: auth('p:a:b') },
      'identity.example': { auth: auth('x:'), identitytoken: 'I' },
      'broken.example': { auth: 'no colon' },
    },
    credHelpers: { 'helped.example': 'test' },
    credsStore: 'test',
  });
  write('.config/containers/auth.json', {
    auths: { 'plain.example/team/image': { auth: auth('team:t') }, 'second.example': { auth: auth('s:s') } },
  });
  const environment = { HOME: home, PATH: `${join(home, 'bin')}:${process.env.PATH}` };
  const as = (name: string, more: NodeJS.ProcessEnv = {}) =>
    findCredentials(parseReference(name), { ...environment, ...more });
  const known = (username: string, secret: string) => ({ kind: 'password', username, password: secret });
  assert.deepEqual(as('alpine'), known('hub', 'hp'));
  assert.deepEqual(as('plain.example/image'), known('p', 'a:b'));
  assert.deepEqual(as('plain.example/team/image'), known('team', 't'));
  assert.deepEqual(as('second.example/image'), known('s', 's'));
  assert.deepEqual(as('identity.example/image'), { kind: 'identity', token: 'I' });
  assert.deepEqual(as('helped.example/image'), known('h', 'hs'));
  assert.deepEqual(as('tokens.example/image'), { kind: 'identity', token: 'it' });
  for (const name of ['broken.example/image', 'unknown.example/image', 'plain.example.evil.example/image']) {
    assert.equal(as(name), undefined, name);
  }
  assert.equal(as('alpine', { HOME: '/nonexistent' }), undefined);
  write('.docker/config.json', { credHelpers: { 'helped.example': '../evil' } });
  assert.throws(() => as('helped.example/image'), { name: 'Failure' });
});

test('a proxy that the environment names is used, and not for what it excepts', async (t) => {
  const { directory, registry } = await scene(t);
  const tunnels: string[] = [];
  const proxy = createServer((_, response) => response.writeHead(500).end());
  proxy.on('connect', (request, socket) => {
    tunnels.push(request.url ?? '');
    const [, port] = registry.host.split(':');
    const target = connect(Number(port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      target.pipe(socket).pipe(target);
    });
    target.on('error', () => socket.destroy());
    socket.on('error', () => target.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.after(() => proxy.close());
  const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const run = async (name: string, root: string, more: NodeJS.ProcessEnv) => {
    const environment = { HOME: directory, XDG_CACHE_HOME: join(directory, root, 'cache'), ...more };
    const child = startRootfs(
      owner,
      ['pull', '--insecure', name, join(directory, root, 'root')],
      environment,
    );
    mkdirSync(join(directory, root));
    return new Promise((resolve) => child.once('close', resolve));
  };
  assert.equal(await run('registry.example:80/some/image', 'one', { http_proxy: address }), 0);
  assert.ok(tunnels.length > 0 && tunnels.every((name) => name === 'registry.example:80'), tunnels.join());
  tunnels.length = 0;
  assert.equal(await run(`${registry.host}/some/image`, 'two', { http_proxy: address }), 0);
  const excepted = { http_proxy: address, no_proxy: 'registry.example' };
  assert.equal(await run('registry.example:80/some/image', 'three', excepted), 125);
  assert.deepEqual(tunnels, []);
});

test('an authority of your own is believed where SSL_CERT_FILE or NODE_EXTRA_CA_CERTS names it, and otherwise both are named', {
  skip: lacking('openssl'),
}, async (t) => {
  const directory = workspace(t, owner);
  const [key, certificate] = ['key.pem', 'certificate.pem'].map((name) => join(directory, name));
  assert.ok(key && certificate);
  const words = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=registry'];
  const made = spawnSync(
    'openssl',
    [...words, '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate],
    { encoding: 'utf8' },
  );
  assert.equal(made.status, 0, made.stderr);
  chmodSync(certificate, 0o644);
  const content = contentOf([image], { latest: manifestBytes });
  const secrets = { key: readFileSync(key), cert: readFileSync(certificate) };
  const server = createSecureServer(secrets, ({ url = '' }, response) => {
    const bytes = content.get(url.replace(/^\/v2\//, ''));
    response.writeHead(bytes === undefined ? 404 : 200).end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const name = `127.0.0.1:${(server.address() as AddressInfo).port}/some/image`;
  const pull = async (place: string, more: NodeJS.ProcessEnv) => {
    const environment = { HOME: directory, XDG_CACHE_HOME: join(directory, place), ...more };
    const child = startRootfs(owner, ['pull', name, join(directory, `${place}-root`)], environment);
    let said = '';
    child.stderr?.on('data', (chunk) => {
      said += String(chunk);
    });
    const status = await new Promise((resolve) => child.once('close', resolve));
    return { status, said };
  };
  for (const variable of ['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS']) {
    const { status, said } = await pull(variable, { [variable]: certificate });
    assert.equal(status, 0, said);
  }
  const unknown = await pull('unknown', {});
  assert.equal(unknown.status, 125);
  assert.match(unknown.said, /name that in SSL_CERT_FILE or NODE_EXTRA_CA_CERTS/);
  const missing = await pull('missing', { SSL_CERT_FILE: join(directory, 'none.pem') });
  assert.equal(missing.status, 125);
  assert.match(missing.said, /Cannot read the certificates of SSL_CERT_FILE: no such file.*none\.pem/s);
});
