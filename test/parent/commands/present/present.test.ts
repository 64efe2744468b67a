/** The presenter: a real browser follows real launches; and what must not be able to read, stop or fool it. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { appendFileSync, existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import { namespaces } from '../../../../src/common/namespaces.js';
import { finished, folder, lacking, run, start, unprivileged } from '../../../gontainer.js';
import { TerminalSession } from '../../../terminal-session.js';
import { patience, until } from '../../../until.js';

const executablePath = '/usr/bin/chromium';
const noChromium = existsSync(executablePath) ? false : `needs ${executablePath}`;

/** A presenter with a runtime folder of its own. */
class Presenter {
  private constructor(
    readonly runtime: string,
    readonly process: ChildProcess,
    readonly url: string,
  ) {}

  static async open(words: readonly string[] = []): Promise<Presenter> {
    // It ends before its folder is removed, or it would make that anew.
    let child: ChildProcess | undefined;
    after(async () => {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((done) => child?.once('exit', done));
      child.kill('SIGKILL');
      await gone;
    });
    const runtime = folder(unprivileged);
    const env = { XDG_RUNTIME_DIR: runtime, XDG_STATE_HOME: runtime };
    const presenter = start(['present', ...words], { user: unprivileged, env });
    child = presenter;
    let errors = '';
    presenter.stderr?.on('data', (text) => {
      errors += text;
    });
    const url = await new Promise<string>((done, failed) => {
      presenter.stdout?.once('data', (text) => done(String(text).trim()));
      presenter.once('exit', (status) => failed(new Error(`status ${status}: ${errors}`)));
    });
    return new Presenter(runtime, presenter, url);
  }

  get followed(): string {
    return join(this.runtime, 'gontainer/followed');
  }

  get env(): Record<string, string> {
    return { XDG_RUNTIME_DIR: this.runtime };
  }

  launch(...words: string[]) {
    return run(['run', '--quiet', ...words], { user: unprivileged, env: this.env });
  }

  async end(): Promise<number | null> {
    const ended = new Promise<number | null>((done) => this.process.once('exit', done));
    this.process.kill('SIGINT');
    return ended;
  }

  /** The status and the body of one request. */
  ask(path: string, headers: Record<string, string> = {}, method = 'GET') {
    const { port } = new URL(this.url);
    return new Promise<{ status?: number; body: string; headers: NodeJS.Dict<string | string[]> }>(
      (done, failed) => {
        request({ host: '127.0.0.1', port, path, headers, method, agent: false }, (response) => {
          let body = '';
          response.on('data', (text) => {
            body += text;
          });
          response.on('end', () =>
            done({
              ...(response.statusCode && { status: response.statusCode }),
              body,
              headers: response.headers,
            }),
          );
        })
          .on('error', failed)
          .end();
      },
    );
  }
}

/** Waits until an element shows a text. */
const shows = (page: Page, selector: string, text: string | RegExp) =>
  page.locator(selector).filter({ hasText: text }).first().waitFor();

describe('in a browser', { skip: noChromium }, () => {
  let browser: Browser | undefined;
  const open = async (url: string, width = 1280, height = 720): Promise<Page> => {
    browser ??= await chromium.launch({
      executablePath,
      timeout: patience,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    });
    const page = await browser.newPage({ viewport: { width, height } });
    page.setDefaultTimeout(patience);
    await page.goto(url);
    return page;
  };
  after(() => browser?.close());

  test('every browser follows a walk step by step, and one that joins late sees the same page', {
    skip: lacking('tmux', 'setpriv'),
  }, async () => {
    const presenter = await Presenter.open();
    const pages = [await open(presenter.url), await open(presenter.url, 1920, 1080)];
    for (const page of pages) await shows(page, '#now', 'Waiting for a launch');
    const terminal = new TerminalSession();
    terminal.type(`export XDG_RUNTIME_DIR=${presenter.runtime}; clear`);
    terminal.type('gontainer run --quiet --all --step --name box -- sleep 1007');
    const [first] = pages as [Page, Page];
    let steps = 1;
    for (let step = 1; step <= steps; step += 1) {
      await terminal.shows(new RegExp(`^ +${step}/\\d+ [^]*Enter: do it[^\\n]*\\n*$`, 'm'));
      for (const page of pages) await shows(page, '#state', `before step ${step} of `);
      steps = await first.locator('#steps li').count();
      assert.equal(await first.locator('#steps .current span').innerText(), String(step));
      assert.equal(await first.locator('#steps .done').count(), step - 1);
      assert.match(await first.locator('#now .where').first().innerText(), /about to be done/);
      assert.ok((await first.locator('.calls-now li').count()) > 0);
      await checkNamespaces(first, presenter, step);
      assert.equal(
        await first.evaluate('document.documentElement.scrollWidth > innerWidth'),
        false,
        'nothing is wider than the screen',
      );
      terminal.press('Enter');
    }
    for (const page of pages) await shows(page, '#state', 'the command runs');
    const late = await open(presenter.url);
    await shows(late, '#state', 'the command runs');
    for (const id of ['now', 'steps', 'namespaces', 'processes', 'id-maps', 'story']) {
      const text = (page: Page): Promise<string> => page.locator(`#${id}`).innerText();
      await until(`#${id} differs`, async () => (await text(late)) === (await text(first)));
    }
    assert.ok((await late.locator('.lanes a.call').count()) > 30);
    terminal.press('C-c');
    for (const page of [...pages, late]) await shows(page, '#state', 'killed by SIGINT');
    await terminal.close();
    assert.equal(await presenter.end(), 0);
    await shows(late, '#connection', 'does not answer');
    assert.deepEqual(leftIn(presenter), []);
  });

  /** The numbers in the picture are those of the kernel. */
  async function checkNamespaces(page: Page, presenter: Presenter, step: number): Promise<void> {
    const { stdout } = await run(['ps', '--json'], { user: unprivileged, env: presenter.env });
    const [box] = JSON.parse(stdout);
    const rows = await page.locator('.namespaces .row:not(.heads)').allInnerTexts();
    assert.equal(rows.length, namespaces.length);
    for (const [index, { entry }] of namespaces.entries()) {
      const row = rows[index] as string;
      assert.ok(row.includes(/\d+/.exec(readlinkSync(`/proc/self/ns/${entry}`))?.[0] as string), row);
      if (step === 1) assert.match(row, /not made/);
      const own = /\[(\d+)\]/.exec(box?.own[entry] ?? '')?.[1];
      if (step > 1 && own !== undefined) assert.ok(row.includes(own), `${entry} ${own}: ${row}`);
    }
    assert.equal(box === undefined, step === 1);
  }

  /** What stands in the page beyond its place, or is cut by it. */
  const cut = (page: Page) =>
    page.evaluate<string[]>(`(() => {
      const screen = document.querySelector('.screen').getBoundingClientRect();
      const parts = document.querySelectorAll('main :is(.calls-now li, .just-done tr, h2, .why, .row, #steps li, .process)');
      return [...parts].filter((part) => !part.closest('#lesson')).filter((part) => {
        const box = part.getBoundingClientRect();
        const place = part.closest('main > *').getBoundingClientRect();
        if (box.height === 0) return false;
        return box.bottom > place.bottom + 1 || box.top < place.top - 1 || box.right > place.right + 1 || box.bottom > screen.bottom + 1;
      }).map((part) => part.textContent.trim().slice(0, 60));
    })()`);

  test('at no step is a row cut, in windows of every size, with a lesson and without', {
    skip: lacking('tmux', 'setpriv'),
  }, async () => {
    const sizes = [
      [1280, 720],
      [1024, 768],
      [1920, 1080],
    ] as const;
    const presenters = [await Presenter.open(), await Presenter.open(['uts'])];
    for (const presenter of presenters) {
      const pages = await Promise.all(sizes.map(([width, height]) => open(presenter.url, width, height)));
      const terminal = new TerminalSession();
      terminal.type(`export XDG_RUNTIME_DIR=${presenter.runtime}; clear`);
      terminal.type('gontainer run --quiet --all --step --name box -- sleep 1009');
      for (const step of [1, 2, 3, 4, 5, 6]) {
        for (const [index, page] of pages.entries()) {
          await shows(page, '#state', `before step ${step} of `);
          await page.evaluate('document.getAnimations().forEach((one) => one.finish())');
          assert.deepEqual(await cut(page), [], `step ${step} at ${sizes[index]?.join('×')}`);
        }
        terminal.press('Enter');
      }
      terminal.press('c');
      await terminal.close();
      for (const page of pages) await page.close();
    }
  });

  test('the processes appear in the picture one after the other', {
    skip: lacking('tmux', 'setpriv'),
  }, async () => {
    const presenter = await Presenter.open();
    const page = await open(presenter.url);
    const terminal = new TerminalSession();
    terminal.type(`export XDG_RUNTIME_DIR=${presenter.runtime}; clear`);
    terminal.type('gontainer run --quiet --all --step --name box -- sleep 1010');
    const names = (kind: string) => page.locator(`.picture .process.${kind} .name`).allTextContents();
    await shows(page, '#state', 'before step 1 of ');
    assert.deepEqual([await names('here'), await names('coming')], [['parent'], ['P']]);
    terminal.press('Enter');
    await shows(page, '#state', 'before step 2 of ');
    assert.deepEqual([await names('here'), await names('coming')], [['parent', 'P'], []]);
    terminal.press('Enter');
    await shows(page, '#state', 'before step 3 of ');
    assert.deepEqual([await names('here'), await names('coming')], [['parent', 'P'], ['G']]);
    terminal.press('c');
    await shows(page, '#state', 'the command runs');
    assert.deepEqual(await names('past'), ['P', 'G']);
    assert.deepEqual(await names('runs'), ['sleep']);
    terminal.press('C-c');
  });

  test('a walk keeps the page from a launch that begins meanwhile, which is a badge', {
    skip: lacking('tmux', 'setpriv'),
  }, async () => {
    const presenter = await Presenter.open();
    const page = await open(presenter.url);
    const terminal = new TerminalSession();
    terminal.type(`export XDG_RUNTIME_DIR=${presenter.runtime}; clear`);
    terminal.type('gontainer run --quiet --uid --step --name walked -- true');
    await shows(page, '#state', 'before step 1 of ');
    assert.equal((await presenter.launch('--uid', '--name', 'other', '--', 'true')).status, 0);
    await shows(page, '#others', /also: other · ended with status 0/);
    await shows(page, '#headline', 'walked');
    const late = await open(presenter.url);
    await shows(late, '#headline', 'walked');
    await late.locator('.menu summary').click();
    await shows(late, '#launches', /other[\s\S]*ended with status 0/);
    await late.locator('#others a').click();
    await shows(late, '#headline', 'other');
    terminal.press('q');
    await shows(page, '#state', /^given up$/);
    assert.equal(await page.locator('.failed').count(), 0, 'nothing is red');
    await presenter.launch('--uid', '--name', 'next', '--', 'true');
    await shows(page, '#headline', 'next');
  });

  test('a browser that joins late sees where each launch is in the list', async () => {
    const presenter = await Presenter.open();
    for (const name of ['one', 'two', 'three']) await presenter.launch('--uid', '--name', name, '--', 'true');
    const page = await open(presenter.url);
    await shows(page, '#state', 'ended with status 0');
    await page.locator('.menu summary').click();
    await shows(page, '#launches', 'three');
    const states = await page.locator('#launches i').allInnerTexts();
    assert.deepEqual(states, Array(3).fill('ended with status 0'));
  });

  test('markup in a log is shown as text', async () => {
    const presenter = await Presenter.open();
    const page = await open(presenter.url);
    const attack = '<img src=x onerror="document.title=1"></script><script>document.title=2</script>';
    await presenter.launch('--uid', '--', 'true', attack);
    await shows(page, '#state', 'ended with status 0');
    assert.ok((await page.locator('#headline').innerText()).includes(attack));
    assert.equal(await page.locator('#headline img, #now img, #story img').count(), 0);
    assert.equal(await page.title(), 'Gontainer, live');
  });

  test('the page says that a launcher was killed, a launch failed, or a log is damaged', async () => {
    const presenter = await Presenter.open();
    const page = await open(presenter.url);
    const words = ['run', '--quiet', '--uid', '--pid', '--name', 'box', '--', 'sleep', '1008'];
    const launcher = start(words, { user: unprivileged, env: presenter.env });
    await shows(page, '#state', 'the command runs');
    launcher.kill('SIGKILL');
    await shows(page, '#state', 'the launcher was killed');

    await presenter.launch('--uts', '--', 'true');
    await shows(page, '#state', /^failed$/);
    await shows(page, '#now', 'EPERM');

    // Logs of this very process, which lives: half a line, then the other half, then none at all.
    const stat = readFileSync('/proc/self/stat', 'utf8').split(' ');
    const log = join(presenter.followed, `hand.${process.pid}.${stat[21]}.ndjson`);
    const [whole = ''] = readdirSync(presenter.followed).filter((file) => file.startsWith('box.'));
    const text = readFileSync(join(presenter.followed, whole), 'utf8').replace(
      /"time":\d+/,
      `"time":${Date.now() + 60_000}`,
    );
    const end = text.indexOf('\n') + 1;
    writeFileSync(log, text.slice(0, end + 20));
    await shows(page, '#headline', 'hand');
    await shows(page, '#state', /^step 1 of/);
    appendFileSync(log, `${text.slice(end + 20)}this is no record\n`);
    await shows(page, '#state', 'the command runs');
    await shows(page, '#now', 'no records were passed over');
    writeFileSync(log, '{"level":30}\n');
    await shows(page, '#state', 'its log cannot be shown');
  });

  test('an older launch can be chosen, and only the last 60 are kept', async () => {
    const presenter = await Presenter.open();
    await presenter.launch('--uid', '--name', 'box', '--', 'true');
    const [made = ''] = readdirSync(presenter.followed).filter((file) => file.startsWith('box.'));
    // The same again from launchers that are gone: no process started at the moment 1.
    const text = readFileSync(join(presenter.followed, made), 'utf8');
    for (let count = 0; count < 300; count += 1)
      writeFileSync(join(presenter.followed, `box-${count}.${process.pid}.1.ndjson`), text);
    const page = await open(presenter.url);
    await shows(page, '#count', '60 launches');
    assert.ok(readdirSync(presenter.followed).length <= 61);
    await page.locator('.menu summary').click();
    const chosen = page.locator('#launches li').nth(20);
    const name = await chosen.locator('b').innerText();
    await chosen.locator('a').click();
    await shows(page, '#headline', name);
    await shows(page, '#story', 'execve');
  });

  test('a lesson stands beside the picture, and shows where the learner is', async () => {
    const presenter = await Presenter.open(['uts']);
    const page = await open(presenter.url);
    await shows(page, '#lesson h2', 'UTS');
    await shows(page, '#place', 'section 1 of 9');
    const { uid } = unprivileged;
    assert.ok(uid >= 0);
    const progress = join(presenter.runtime, 'gontainer/lessons.json');
    writeFileSync(progress, JSON.stringify({ uts: { sections: 2, done: false } }));
    await shows(page, '#place', 'section 3 of 9');
    await page.locator('#section-3[data-here]').waitFor();
  });

  test('the page of a presenter that was restarted says that there is a new address', async () => {
    const before = await Presenter.open();
    const { port } = new URL(before.url);
    const page = await open(before.url);
    await shows(page, '#now', 'Waiting');
    assert.equal(await before.end(), 0);
    await Presenter.open(['--port', port]);
    await shows(page, '#connection', 'with a new address');
  });
});

/** What is left in the state folder, but for what is kept of containers that have ended. */
const leftIn = ({ runtime }: { readonly runtime: string }): string[] =>
  readdirSync(join(runtime, 'gontainer')).filter((name) => !name.endsWith('.ended'));

test('nobody reads without the secret, from another site, or under another name', async () => {
  const presenter = await Presenter.open();
  const { pathname, host, port } = new URL(presenter.url);
  const refused: readonly (readonly [string, Record<string, string>, number, string?])[] = [
    ['/', {}, 403],
    ['/events', {}, 403],
    [`${pathname.slice(0, -2)}${pathname.at(-2) === 'x' ? 'y' : 'x'}/`, {}, 403],
    [pathname, { Host: `evil.example:${port}` }, 403],
    [`${pathname}events`, { Host: '127.0.0.1' }, 403],
    [`${pathname}events`, { Origin: 'http://evil.example' }, 403],
    [`${pathname}events`, { Origin: 'null' }, 403],
    [`${pathname}events`, { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Dest': 'script' }, 403],
    [pathname, { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Dest': 'iframe' }, 403],
    [pathname, {}, 405, 'POST'],
    [`${pathname}../etc/passwd`, {}, 404],
  ];
  for (const [path, headers, status, method] of refused) {
    const answer = await presenter.ask(path, headers, method);
    assert.equal(answer.status, status, `${method ?? 'GET'} ${path} ${JSON.stringify(headers)}`);
    assert.doesNotMatch(answer.body, /<|data:/);
  }
  const page = await presenter.ask(pathname, { Origin: `http://${host}` });
  assert.equal(page.status, 200);
  const policy = String(page.headers['content-security-policy']);
  assert.match(policy, /^default-src 'none'; style-src 'sha256-[^ ]+'; script-src 'sha256-[^ ]+';/);
  assert.doesNotMatch(policy, /unsafe/);
  assert.doesNotMatch(page.body, /https?:\/\/| on[a-z]+="/);
});

test('a browser that never reads is let go, and the presenter goes on', async () => {
  const presenter = await Presenter.open();
  const { pathname, port } = new URL(presenter.url);
  const deaf = connect(Number(port), '127.0.0.1');
  deaf.pause();
  deaf.write(`GET ${pathname}events HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  let gone = false;
  deaf
    .on('error', () => {})
    .on('close', () => {
      gone = true;
    });
  const connections = () =>
    readdirSync(`/proc/${presenter.process.pid}/fd`).filter((fd) => {
      try {
        return readlinkSync(`/proc/${presenter.process.pid}/fd/${fd}`).startsWith('socket:');
      } catch {
        return false;
      }
    }).length;
  const log = join(
    presenter.followed,
    `big.${process.pid}.${readFileSync('/proc/self/stat', 'utf8').split(' ')[21]}.ndjson`,
  );
  await presenter.launch('--uid', '--name', 'one', '--', 'true');
  const [one = ''] = readdirSync(presenter.followed).filter((file) => file.startsWith('one.'));
  const [first = ''] = readFileSync(join(presenter.followed, one), 'utf8').split('\n');
  const { launch, format, version } = JSON.parse(first);
  writeFileSync(log, `${JSON.stringify({ format, version, time: Date.now() + 60_000, launch })}\n`);
  const before = connections();
  // Again and again something changes: large first, so that nothing more fits between the two, then small.
  for (let round = 0; connections() >= before && !gone; round += 1) {
    const call = { actor: 'parent', call: `round${round}`, args: { text: '<'.repeat(199) } };
    const calls = Array(round < 20 ? 1000 : 1).fill(call);
    appendFileSync(log, `${JSON.stringify({ stop: { step: 'unshare', calls, before: {} } })}\n`);
    await presenter.ask(pathname);
    await new Promise((done) => setTimeout(done, 30));
    assert.ok(round < 2000, 'it is never let go');
  }
  const status = readFileSync(`/proc/${presenter.process.pid}/status`, 'utf8');
  assert.ok(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) < 400_000, status);
  assert.equal((await presenter.ask(pathname)).status, 200);
  deaf.destroy();
});

test('half-sent requests without the secret keep nobody out, and are ended', async () => {
  const presenter = await Presenter.open();
  const { pathname, port } = new URL(presenter.url);
  const closed: Promise<unknown>[] = [];
  for (let count = 0; count < 400; count += 1) {
    const socket = connect(Number(port), '127.0.0.1');
    socket.on('error', () => {}).write('GET / HTTP/1.1\r\nHost: ');
    closed.push(new Promise((done) => socket.once('close', done)));
    socket.resume();
    if (count % 50 === 49) assert.equal((await presenter.ask(pathname)).status, 200, `after ${count + 1}`);
  }
  await Promise.all(closed);
  assert.equal((await presenter.ask(pathname)).status, 200);
});

test('bad input ends with one sentence and its documented status', async () => {
  const presenter = await Presenter.open();
  const { port } = new URL(presenter.url);
  const wrong = folder(unprivileged);
  writeFileSync(join(wrong, 'gontainer'), '');
  const cases: readonly (readonly [string[], Record<string, string>, number, RegExp])[] = [
    [['--port', port], presenter.env, 125, /port \d+ of 127\.0\.0\.1 cannot be listened on: .*EADDRINUSE/],
    [['--port', '0'], presenter.env, 2, /--port 0 is not a port/],
    [['--port', '65536'], presenter.env, 2, /--port 65536 is not a port/],
    [['--port', 'x'], presenter.env, 2, /port/],
    [['utz'], presenter.env, 2, /no lesson “utz”.*uts/],
    [[], { XDG_RUNTIME_DIR: wrong }, 125, /is not a directory/],
  ];
  for (const [words, env, status, sentence] of cases) {
    const ended = await run(['present', ...words], { user: unprivileged, env });
    assert.match(ended.stderr, sentence);
    assert.match(ended.stderr, /^gontainer: .*\n$/);
    assert.deepEqual([ended.status, ended.stdout], [status, '']);
  }
  // The other presenters took nothing away from the one that goes on.
  assert.ok(existsSync(presenter.followed));
  assert.equal(await presenter.end(), 0);
  assert.equal(existsSync(presenter.followed), false);
});

test('a launch keeps no log when nobody follows, nor for a presenter that was killed', async () => {
  const presenter = await Presenter.open();
  const gone = finished(presenter.process);
  presenter.process.kill('SIGKILL');
  await gone;
  assert.ok(existsSync(presenter.followed));
  assert.equal((await presenter.launch('--uid', '--', 'true')).status, 0);
  assert.deepEqual(leftIn(presenter), []);
});
