/**
 * Makes the pictures of docs/present.md: a walk in tmux, and screenshots of the page that follows it. Run after a build:
 * node --import tsx scripts/present-pictures.ts
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright-core';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const program = join(root, 'dist/main.cjs');
const asRoot = process.getuid?.() === 0;
/** The launches are those of a learner: run by root, they are made as a user without privilege, who reads the checkout. */
const learner = asRoot ? { uid: 1000, gid: 1000 } : {};

const pictures = [
  { name: 'present-walk', words: [], scheme: 'light', before: 5, size: { width: 1280, height: 720 } },
  { name: 'present-walk-after', words: [], scheme: 'light', before: 6, size: { width: 1280, height: 720 } },
  { name: 'present-walk-dark', words: [], scheme: 'dark', before: 2, size: { width: 1920, height: 1080 } },
  { name: 'present-lesson', words: ['uts'], scheme: 'light', before: 5, size: { width: 1280, height: 720 } },
] as const;

type Picture = (typeof pictures)[number];

async function take({ name, words, scheme, before, size }: Picture, browser: Browser): Promise<void> {
  const runtime = mkdtempSync(join(tmpdir(), 'gontainer-pictures-'));
  chmodSync(runtime, 0o777);
  if (asRoot) execFileSync('chown', ['1000:1000', runtime]);
  const env = { PATH: '/usr/bin:/bin', HOME: '/', XDG_RUNTIME_DIR: runtime, XDG_STATE_HOME: runtime };
  const presenter: ChildProcess = spawn(process.execPath, [program, 'present', ...words], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env,
    ...learner,
  });
  const socket = `gontainer-picture-${randomUUID()}`;
  const tmux = (...rest: string[]) => execFileSync('tmux', ['-L', socket, '-f', '/dev/null', ...rest]);
  try {
    const url = await new Promise<string>((done) =>
      presenter.stdout?.once('data', (text) => done(String(text).trim())),
    );
    const page = await browser.newPage({ viewport: size, colorScheme: scheme, reducedMotion: 'reduce' });
    await page.goto(url);
    const user = asRoot ? 'setpriv --reuid=1000 --regid=1000 --clear-groups' : '';
    const line = `'${process.execPath}' '${program}' run --all --hostname box --name box --step -- sleep 600`;
    tmux('new-session', '-d', `exec ${user} env XDG_RUNTIME_DIR=${runtime} HOME=/ ${line}`);
    for (let step = 1; ; step += 1) {
      await page.locator('#state', { hasText: `before step ${step} of ` }).waitFor();
      if (step === before) break;
      tmux('send-keys', 'Enter');
    }
    const path = join(root, 'docs', `${name}.png`);
    await page.screenshot({ path });
    await page.close();
    console.error(`drew ${path}`);
  } finally {
    spawnSync('tmux', ['-L', socket, 'kill-server']);
    const ended = new Promise((done) => presenter.once('exit', done));
    presenter.kill('SIGINT');
    await ended;
    rmSync(runtime, { recursive: true, force: true });
  }
}

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
});
try {
  for (const picture of pictures) await take(picture, browser);
} finally {
  await browser.close();
}
