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

/** Takes some memory every few milliseconds, and computes meanwhile. */
const hog =
  'const a = []; for (;;) { a.push(Buffer.alloc(3e5, 1)); for (let end = Date.now() + 4; Date.now() < end; ); }';

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
  {
    name: 'report-watched',
    words: [
      ...['--uid', '--uts', '--hostname', 'box', '--net', '--pid', '--read-only', '--watch'],
      ...['--', 'sh', '-c', 'hostname; id -un; echo x >/etc/new'],
    ],
    scheme: 'light',
    height: 900,
    section: '#watched',
  },
  {
    // A fork bomb, then memory for half of a processor's time; the weight is for a busy machine.
    name: 'report-used',
    words: [
      ...[
        '--uid',
        '--pid',
        '--memory',
        '64m',
        '--pids-limit',
        '20',
        '--cpus',
        '0.5',
        '--cpu-weight',
        '10000',
      ],
      ...['--', 'sh', '-c', `(b() { sleep 1 & b; }; b) 2>/dev/null; sleep 2; exec node -e '${hog}'`],
    ],
    scheme: 'light',
    height: 900,
    section: '#used',
    // Control groups are for root alone where they are those of version 1.
    asRoot: true,
  },
] as const;

/** The names of those to make; all where none is given. */
const chosen = process.argv.slice(2);

const place = mkdtempSync(join(tmpdir(), 'gontainer-pictures-'));
chmodSync(place, 0o777);
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
});
try {
  for (const { name, words, scheme, height, ...more } of pictures) {
    if (chosen.length > 0 && !chosen.includes(name)) continue;
    const report = join(place, `${name}.html`);
    spawnSync(
      process.execPath,
      [join(root, 'dist/main.cjs'), 'run', '--quiet', '--report', report, ...words],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { PATH: '/usr/bin:/bin', HOME: '/' },
        ...('asRoot' in more ? {} : learner),
      },
    );
    const page = await browser.newPage({
      viewport: { width: 1280, height },
      deviceScaleFactor: 1.5,
      colorScheme: scheme,
    });
    await page.goto(pathToFileURL(report).href);
    const path = join(root, 'docs', `${name}.png`);
    if ('section' in more) {
      // The lanes are what it is about: the table below them is long.
      for (const table of await page.locator(`${more.section} details`).all())
        await table.evaluate((element) => element.removeAttribute('open'));
      await page.locator(more.section).screenshot({ path });
    } else await page.screenshot({ path });
    await page.close();
  }
} finally {
  await browser.close();
  rmSync(place, { recursive: true, force: true });
}
