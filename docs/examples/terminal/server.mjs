/**
 * A web terminal: each page that is opened has a shell in a container of its own, which may change DIR and sees the rest of
 * the machine read-only, without a network. It ends with the page.
 *
 *     npm install gontainer @xterm/xterm
 *     node server.mjs DIR [PORT]
 *
 * What the terminal shows is the body of one answer that lasts as long as the shell; what is typed, and how large the
 * window is, comes in requests of its own.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { launch, sandbox } from 'gontainer';

const [directory = '.', port = 0] = process.argv.slice(2);
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const xterm = (name) => createRequire(import.meta.url).resolve(`@xterm/xterm/${name}`);

/** What anybody may read: there is no secret in it. */
const files = {
  '/': [here('page.html'), 'text/html; charset=utf-8'],
  '/page.js': [here('page.js'), 'text/javascript; charset=utf-8'],
  '/xterm.mjs': [xterm('lib/xterm.mjs'), 'text/javascript; charset=utf-8'],
  '/xterm.css': [xterm('css/xterm.css'), 'text/css; charset=utf-8'],
};
const headers = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
};

/** Every user of this machine can connect to 127.0.0.1. It stands behind the # of the address, which no browser sends. */
const token = randomBytes(24).toString('base64url');
const terminals = new Map();
const address = () => `http://127.0.0.1:${server.address().port}`;

/** Another site's page, or another name for this machine, has neither the host nor the token. */
function isAllowed({ headers: { host, authorization = '' } }) {
  const [given, right] = [authorization, `Bearer ${token}`].map((text) => Buffer.from(text));
  return host === new URL(address()).host && given.length === right.length && timingSafeEqual(given, right);
}

/** What a page may ask for, with the terminal that it asks about. */
const requests = {
  /** Its answer is what the terminal shows. */
  async open({ id, columns, rows }, _, response) {
    if (typeof id !== 'string' || terminals.has(id)) return answer(response, 409);
    const container = launch({
      ...sandbox({ write: [resolve(directory)] }),
      workdir: resolve(directory),
      pty: true,
      window: { columns, rows },
    });
    terminals.set(id, container);
    response.writeHead(200, { ...headers, 'content-type': 'application/octet-stream' });
    response.flushHeaders();
    response.on('close', () => container.kill('SIGKILL'));
    container.stdout.pipe(response, { end: false });
    const end = await container.ended.then(
      ({ status, reason }) => `${reason}, status ${status}`,
      (error) => error.message,
    );
    terminals.delete(id);
    response.end(`\r\n[${end}]\r\n`);
  },
  type({ text }, { stdin }, response) {
    stdin.write(text);
    answer(response, 204);
  },
  resize({ columns, rows }, terminal, response) {
    terminal.resize(columns, rows);
    answer(response, 204);
  },
};

function answer(response, status) {
  response.writeHead(status, headers).end();
}

const server = createServer(async (request, response) => {
  const [file, type] = files[request.url] ?? [];
  if (request.method === 'GET' && file !== undefined) {
    response.writeHead(200, { ...headers, 'content-type': type });
    createReadStream(file).pipe(response);
    return;
  }
  const name = request.url.slice(1);
  if (request.method !== 'POST' || !Object.hasOwn(requests, name)) return answer(response, 404);
  if (!isAllowed(request)) return answer(response, 403);
  try {
    const asked = await json(request);
    const terminal = terminals.get(asked.id);
    if (name !== 'open' && terminal === undefined) return answer(response, 410);
    await requests[name](asked, terminal, response);
  } catch (error) {
    // What a page asks for may be anything: a size that no window has, or no JSON.
    console.error(error.message);
    if (!response.headersSent) answer(response, 400);
  }
});
server.listen(Number(port), '127.0.0.1', () => {
  console.log(`${address()}/#${token}`);
});
