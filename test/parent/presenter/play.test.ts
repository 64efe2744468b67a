/** A recorded launch in the browser: gontainer replay LOG --present, and gontainer present LOG. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import { folder, lacking, node, program, run, unprivileged } from '../../gontainer.js';
import { patience } from '../../until.js';

const skip = lacking('chromium');
const place = folder(unprivileged);
const log = join(place, 'run.ndjson');
const failed = join(place, 'failed.ndjson');

before(async () => {
  const words = ['run', '--quiet', '--uid', '--uts', '--hostname', 'box', '--log-file', log];
  assert.equal((await run([...words, '--', 'sh', '-c', 'exit 7'], { user: unprivileged })).status, 7);
  const wrong = ['run', '--quiet', '--uid', '--time', '--monotonic', '-999999999', '--log-file', failed];
  assert.equal((await run([...wrong, '--', 'true'], { user: unprivileged })).status, 125);
});

/** Serves a log, and opens its page. */
async function opened(
  words: readonly string[],
  size = { width: 1280, height: 720 },
): Promise<{ page: Page; address: string }> {
  const server = spawn(node, [program, ...words], { stdio: ['ignore', 'pipe', 'ignore'] });
  after(() => server.kill());
  const address = await new Promise<string>((done) =>
    server.stdout.once('data', (text) => done(String(text).trim())),
  );
  const browser: Browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
  after(() => browser.close());
  const page = await browser.newPage({ viewport: size, reducedMotion: 'reduce' });
  page.setDefaultTimeout(patience);
  await page.goto(address);
  return { page, address };
}

const state = (page: Page, words: string) => page.locator('#state', { hasText: words }).waitFor();

test('keys go through a recorded launch, on and back, to its end', { skip }, async () => {
  const { page } = await opened(['replay', log, '--present']);
  await state(page, 'before step 1 of 6');
  assert.equal(await page.locator('.process').count(), 2, 'the parent, and P about to be made');
  for (const [key, words] of [
    ['ArrowRight', 'before step 2 of 6'],
    ['PageDown', 'before step 3 of 6'],
    [' ', 'before step 4 of 6'],
    ['Enter', 'before step 5 of 6'],
    ['ArrowLeft', 'before step 4 of 6'],
  ] as const) {
    await page.keyboard.press(key);
    await state(page, words);
  }
  await page.locator('#now h2', { hasText: 'set the host name' }).waitFor();
  await page.locator('.just-done', { hasText: 'start the child' }).waitFor();
  await page.keyboard.press('End');
  await state(page, 'ended with status 7');
  await page.keyboard.press('ArrowLeft');
  await state(page, 'the command runs');
  await page.keyboard.press('Home');
  await state(page, 'before step 1 of 6');
});

test('buttons and the list of steps do the same, and a page that is loaded again stays where it was', {
  skip,
}, async () => {
  const { page } = await opened(['present', log]);
  await state(page, 'before step 1 of 6');
  await page.getByRole('button', { name: 'a step on' }).click();
  await state(page, 'before step 2 of 6');
  await page.locator('#steps li', { hasText: 'set the host name' }).click();
  await state(page, 'before step 4 of 6');
  await page.reload();
  await state(page, 'before step 4 of 6');
});

test('a launch that failed is played as far as it came', { skip }, async () => {
  const { page } = await opened(['replay', failed, '--present']);
  await state(page, 'before step 1 of 6');
  await page.keyboard.press('End');
  await state(page, 'failed');
  await page.locator('#now .errno', { hasText: 'ERANGE' }).waitFor();
  await page.keyboard.press('ArrowLeft');
  await state(page, 'before step 3 of 6');
});

test('a word that is neither a lesson nor a file is refused', async () => {
  const { status, stderr } = await run(['present', 'utz']);
  assert.match(stderr, /there is no lesson “utz”. Did you mean: gontainer lesson uts/);
  assert.equal(status, 2);
  const missing = await run(['present', './nowhere.ndjson']);
  assert.match(missing.stderr, /the log .\/nowhere.ndjson cannot be read/);
  assert.equal(missing.status, 2);
  const alone = await run(['replay', log, '--port', '8080']);
  assert.match(alone.stderr, /Add --present\./);
  assert.equal(alone.status, 2);
});
