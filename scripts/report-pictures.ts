/**
 * Makes the pictures of docs/report.md: launches for the purpose, their reports, and screenshots of them. Run after a
 * build: node --import tsx scripts/report-pictures.ts
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
/** The launches are those of a learner: run by root, they are made as a user without privilege, who reads the checkout. */
const learner = process.getuid?.() === 0 ? { uid: 1000, gid: 1000 } : {};

const pictures = [
  {
    name: 'report-all-eight',
    words: ['--all', '--hostname', 'box', '--', 'id'],
    scheme: 'light',
    height: 1530,
  },
  {
    name: 'report-all-eight-dark',
    words: ['--all', '--hostname', 'box', '--', 'id'],
    scheme: 'dark',
    height: 800,
  },
  {
    name: 'report-failed',
    words: ['--uid', '--uts', '--time', '--boottime=-999999999', '--', 'id'],
    scheme: 'light',
    height: 900,
  },
] as const;

const place = mkdtempSync(join(tmpdir(), 'gontainer-pictures-'));
chmodSync(place, 0o777);
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
});
try {
  for (const { name, words, scheme, height } of pictures) {
    const report = join(place, `${name}.html`);
    spawnSync(
      process.execPath,
      [join(root, 'dist/main.cjs'), 'run', '--quiet', '--report', report, ...words],
      { stdio: ['ignore', 'ignore', 'inherit'], env: { PATH: '/usr/bin:/bin', HOME: '/' }, ...learner },
    );
    const page = await browser.newPage({
      viewport: { width: 1280, height },
      deviceScaleFactor: 1.5,
      colorScheme: scheme,
    });
    await page.goto(pathToFileURL(report).href);
    await page.screenshot({ path: join(root, 'docs', `${name}.png`) });
    await page.close();
  }
} finally {
  await browser.close();
  rmSync(place, { recursive: true, force: true });
}
