/** The web terminal in docs/examples, in a real browser. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import { own } from '../common/steps/root-file-systems.js';
import { endWithTest, folder, lacking, node, project, type User, users } from '../gontainer.js';
import { consumer } from '../library/consumer.js';
import { patience, until } from '../until.js';

const executablePath = '/usr/bin/chromium';

/** Starts the server as a user of the package has it. */
async function served(user: User, directory: string): Promise<{ server: ChildProcess; url: string }> {
  const path = consumer(user);
  cpSync(join(project, 'docs/examples/terminal'), join(path, 'terminal'), { recursive: true });
  mkdirSync(join(path, 'node_modules/@xterm'));
  cpSync(join(project, 'node_modules/@xterm/xterm'), join(path, 'node_modules/@xterm/xterm'), {
    recursive: true,
  });
  const server = endWithTest(
    spawn(node, [join(path, 'terminal/server.mjs'), directory], {
      cwd: path,
      ...(process.getuid?.() === 0 ? { uid: user.uid, gid: user.gid } : {}),
    }),
  );
  const url = await new Promise<string>((done, failed) => {
    let errors = '';
    server.stderr.on('data', (text) => {
      errors += text;
    });
    server.stdout.once('data', (text) => done(String(text).trim()));
    server.once('exit', (status) => failed(new Error(`status ${status}: ${errors}`)));
  });
  return { server, url };
}

/** The launchers that the server has started, and that have not ended. */
const launchers = ({ pid }: ChildProcess): string[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);

/** A request that a browser would not make. */
const asked = (url: string, headers: Record<string, string>) =>
  new Promise<number | undefined>((done, failed) => {
    const { port } = new URL(url);
    request({ host: '127.0.0.1', port, path: '/open', method: 'POST', headers, agent: false }, (response) => {
      response.resume();
      done(response.statusCode);
    })
      .on('error', failed)
      .end('{"id":"1","columns":80,"rows":24}');
  });

describe('the web terminal', {
  skip:
    lacking('chromium') ||
    (existsSync(join(project, 'node_modules/@xterm/xterm')) ? false : 'needs npm install'),
}, () => {
  let browser: Browser | undefined;
  after(() => browser?.close());

  async function opened(url: string): Promise<Page> {
    browser ??= await chromium.launch({
      executablePath,
      timeout: patience,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    });
    const page = await browser.newPage({ viewport: { width: 1000, height: 600 } });
    page.setDefaultTimeout(patience);
    await page.goto(url);
    return page;
  }

  const shown = async (page: Page): Promise<string> =>
    (await page.locator('.xterm-rows').innerText()).replaceAll('\u00a0', ' ');

  async function shows(page: Page, text: RegExp): Promise<string> {
    let last = '';
    return until(
      () => `the terminal does not show ${text}, but ${last}`,
      async () => {
        last = await shown(page);
        return text.test(last) && last;
      },
    );
  }

  for (const user of users) {
    test(`${user.name}: what is typed runs in a container, in a window of the page's size`, {
      skip: user.skip,
    }, async () => {
      const directory = folder(user);
      own(directory, user);
      const { server, url } = await served(user, directory);
      const page = await opened(url);
      await shows(page, /‣/);
      await page.keyboard.type('echo $((6 * 7)) >made; cat made; pwd; echo $$\n');
      await shows(page, /^42$/m);
      await shows(page, new RegExp(`^${directory}$`, 'm'));
      assert.equal(readFileSync(join(directory, 'made'), 'utf8'), '42\n');
      const size = /^(\d+) (\d+)$/m;
      await page.keyboard.type('stty size; echo seen\n');
      const before = size.exec(await shows(page, /^seen$/m));
      await page.setViewportSize({ width: 500, height: 300 });
      await page.keyboard.type(
        'until [ "$(stty size | cut -d " " -f 1)" -lt 24 ]; do :; done; clear; stty size; echo again\n',
      );
      const after = size.exec(await shows(page, /^again$/m));
      assert.ok(Number(before?.[1]) > 24 && Number(before?.[2]) > 80, String(before));
      assert.ok(Number(after?.[1]) < 24 && Number(after?.[2]) < 80, String(after));
      await page.keyboard.type('exit 3\n');
      await shows(page, /^\[exit, status 3\]$/m);
      await page.close();
      await until(
        () => `launchers are left: ${launchers(server)}`,
        () => launchers(server).length === 0,
      );
    });

    test(`${user.name}: the container ends with its page, and nobody has one without the token`, {
      skip: user.skip,
    }, async () => {
      const { server, url } = await served(user, folder(user));
      const host = new URL(url).host;
      const token = new URL(url).hash.slice(1);
      assert.equal(await asked(url, { host }), 403);
      assert.equal(await asked(url, { host, authorization: `Bearer ${token}x` }), 403);
      assert.equal(await asked(url, { host: 'evil.example', authorization: `Bearer ${token}` }), 403);
      const stranger = await opened(url.replace(/#.*/, ''));
      await shows(stranger, /The server refuses: 403/);
      assert.deepEqual(launchers(server), []);
      const page = await opened(url);
      await shows(page, /‣/);
      assert.equal(launchers(server).length, 1);
      await page.close();
      await until(
        () => `launchers are left: ${launchers(server)}`,
        () => launchers(server).length === 0,
      );
    });
  }
});
