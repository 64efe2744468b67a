/** The page as it is sent once; everything that changes comes over its stream of events (fragments.ts). */
import { createHash } from 'node:crypto';
import { Html, html } from '../drawing/html.js';
import { style as reportStyle } from '../drawing/report-style.js';
import { browserScript } from './browser-script.js';
import { style as ownStyle } from './present-style.js';
import type { Page } from './server.js';

interface Content {
  /** The text of the lesson beside the picture. */
  readonly lesson?: Html | undefined;
  /** How many moments a recorded launch has to go through. */
  readonly moments?: number;
}

/** The page of launches that are followed, or of a recorded one. */
export function presenterPage({ lesson, moments }: Content): Page {
  const style = `${reportStyle}\n${ownStyle}`;
  const policy = [
    "default-src 'none'",
    `style-src '${hash(style)}'`,
    `script-src '${hash(browserScript)}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Gontainer, ${moments === undefined ? 'live' : 'recorded'}</title>
<link rel="icon" href="data:,">
<style>${new Html(style)}</style>
</head>
<body class="${lesson === undefined ? 'alone' : 'with-lesson'}" data-moments="${moments ?? 0}">
<div class="screen">
<header class="top">
<h1 id="headline"></h1>
<p id="state" role="status"></p>
<nav>${moments === undefined ? menu : steps}
<button type="button" class="theme" aria-pressed="false">dark</button></nav>
</header>
<p id="connection" role="alert" hidden></p>
<main>
${lesson !== undefined && html`<article id="lesson" tabindex="0">${lesson}</article>`}
<section id="picture" aria-label="Processes"></section>
<section id="now" aria-label="What is being done" aria-live="polite"></section>
<nav id="steps" aria-label="Steps"></nav>
<section id="namespaces" aria-label="Namespaces"></section>
</main>
</div>
<div class="below">
<section aria-labelledby="processes-title"><h2 id="processes-title">Processes, steps and calls</h2>
<div id="processes"></div></section>
<section aria-labelledby="watched-title"><h2 id="watched-title">What the command asked</h2>
<div id="watched"></div></section>
<section aria-labelledby="id-maps-title"><h2 id="id-maps-title">User and group IDs</h2>
<div id="id-maps"></div></section>
<section aria-labelledby="story-title"><h2 id="story-title">Every step so far, with its evidence</h2>
<div id="story"></div></section>
</div>
<noscript><p class="lacks">This page is live, and needs JavaScript.</p></noscript>
<script>${new Html(browserScript)}</script>
</body>
</html>
`.text;
  return { html: page, policy };
}

const menu = html`<span id="others"></span><details class="menu"><summary id="count">0 launches</summary><div id="launches"></div></details>`;

const steps = html`<button type="button" data-by="-1" aria-label="a step back">←</button><button type="button" data-by="1" aria-label="a step on">→</button>`;

/** A source of Content-Security-Policy: this text and no other. */
const hash = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`;
