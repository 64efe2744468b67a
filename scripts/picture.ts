/**
 * Draws a terminal as a PNG, for the pages in docs/: what `tmux capture-pane -p -e` printed, or anything else with
 * the colours of ECMA-48 (SGR) in it.
 *
 *   tmux capture-pane -p -e | node --import tsx scripts/picture.ts OUTPUT.png [TITLE]
 *
 * Needs Chromium: the program `chromium`, or the one that CHROMIUM names.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { AnsiUp } from 'ansi_up';
import { chromium } from 'playwright-core';

const style = `
  body { margin: 0; background: white; }
  figure { display: inline-block; margin: 16px; border-radius: 8px; overflow: hidden; background: #16181d;
    color: #d7dae0; box-shadow: 0 2px 10px #0006; font: 14px/1.4 "DejaVu Sans Mono", monospace; }
  figcaption { background: #2a2d35; color: #9aa0ac; padding: 6px 14px; font-size: 12px; }
  pre { margin: 0; padding: 12px 16px; font: inherit; }
  .ansi-black-fg { color: #5c6370 } .ansi-red-fg { color: #f07178 } .ansi-green-fg { color: #a5d977 }
  .ansi-yellow-fg { color: #e5c07b } .ansi-blue-fg { color: #82aaff } .ansi-magenta-fg { color: #c792ea }
  .ansi-cyan-fg { color: #6fd3e3 } .ansi-white-fg { color: #ffffff } .ansi-bright-black-fg { color: #7f848e }
  .ansi-bright-red-fg { color: #ff8b92 } .ansi-bright-green-fg { color: #c3f09a } .ansi-bright-yellow-fg { color: #ffd68a }
  .ansi-bright-blue-fg { color: #a6c1ff } .ansi-bright-magenta-fg { color: #dcb0ff } .ansi-bright-cyan-fg { color: #95e6f3 }
  .ansi-bright-white-fg { color: #ffffff }`;

/** A page that shows a terminal's text with its colours, without the empty lines at its end. */
export function terminalPage(text: string, title: string): string {
  const lines = text.split('\n').map((line) => line.replace(/\s+$/, ''));
  while (lines.length > 0 && stripVTControlCharacters(lines.at(-1) as string).trim() === '') lines.pop();
  const writer = new AnsiUp();
  writer.use_classes = true;
  const escaped = title.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const caption = title === '' ? '' : `<figcaption>${escaped}</figcaption>`;
  const body = writer.ansi_to_html(lines.join('\n'));
  return `<!doctype html><meta charset="utf-8"><style>${style}</style><figure>${caption}<pre>${body}</pre></figure>`;
}

/** Draws it, larger than it is, so that it is sharp on every screen. */
export async function drawTerminal(text: string, output: string, title = ''): Promise<void> {
  const profile = mkdtempSync(join(tmpdir(), 'gontainer-picture-'));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    viewport: { width: 1600, height: 1000 },
    deviceScaleFactor: 1.5,
  });
  try {
    const page = await browser.newPage();
    await page.setContent(terminalPage(text, title));
    // The shadow lies outside the box.
    const box = await page.locator('figure').boundingBox();
    if (box === null) throw new Error('the page shows nothing');
    const clip = { x: box.x - 12, y: box.y - 12, width: box.width + 24, height: box.height + 24 };
    await page.screenshot({ path: output, clip, fullPage: true });
  } finally {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [output, title] = process.argv.slice(2);
  if (output === undefined) {
    console.error('usage: picture.ts OUTPUT.png [TITLE] < TEXT');
    process.exitCode = 2;
  } else await drawTerminal(readFileSync(0, 'utf8'), output, title);
}
