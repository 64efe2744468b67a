/**
 * The report of a launch as one page that needs nothing else: no network, no files beside it. Its policy
 * (Content-Security-Policy) lets no style and no script run but the two that stand in it, known by their hashes.
 */
import { createHash } from 'node:crypto';
import { counted } from '../../common/counted.js';
import { duration, executesCommand, type LaunchLog } from '../recorded/launch-log.js';
import { details } from './details.js';
import { Html, html } from './html.js';
import { idMapPictures } from './id-map-picture.js';
import { lanes } from './lanes.js';
import { namespacePicture } from './namespace-picture.js';
import { script } from './report-script.js';
import { style } from './report-style.js';
import { stepList } from './step-list.js';
import { usagePicture } from './usage-picture.js';
import { watchedPicture } from './watched-picture.js';

export function page(log: LaunchLog): string {
  const drawing = lanes(log);
  const watched = watchedPicture(log);
  const css = `${style}\n${drawing.style}`;
  const name = shownCommand(log);
  const policy = `default-src 'none'; style-src '${hash(css)}'; script-src '${hash(script)}'; img-src data:; base-uri 'none'; form-action 'none'`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="gontainer ${log.version}">
<title>${name}: a launch step by step</title>
<link rel="icon" href="data:,">
<style>${new Html(css)}</style>
</head>
<body>
<header class="top">
<div><p class="eyebrow">Gontainer · launch report</p>
<h1>${headline(log)}</h1>
<p class="facts">${facts(log).map((fact, index) => html`${index > 0 && html` <span aria-hidden="true">·</span> `}${fact}`)}</p></div>
<button type="button" class="theme" aria-pressed="false">dark</button>
</header>
${
  log.failure !== undefined &&
  html`<section class="${log.failure.givenUp ? 'lacks' : 'failure'}" role="alert"><p>${log.failure.message}.</p>${log.failure.next !== undefined && html`<p><b>${log.failure.next}</b></p>`}</section>`
}
${log.lacks.map((sentence) => html`<p class="lacks">${sentence}</p>`)}
<main>
<section id="processes" aria-labelledby="processes-title">
<div class="title"><h2 id="processes-title">Processes, steps and calls</h2><nav class="walk" aria-label="Walk through the launch"><span class="keys"><kbd>←</kbd> <kbd>→</kbd> calls, <kbd>↑</kbd> <kbd>↓</kbd> steps</span>${buttons}</nav></div>
${drawing.drawing}
<div class="under">${legend}<p class="note">Time runs to the right, not evenly: stretched where calls crowd, compressed in long waits, whose length is given.</p></div>
${details(log)}
</section>
${
  watched !== undefined &&
  html`<section id="watched" aria-labelledby="watched-title"><h2 id="watched-title">What the command asked</h2>
${watched}</section>`
}
${
  log.used !== undefined &&
  html`<section id="used" aria-labelledby="used-title"><h2 id="used-title">What it used</h2>
${usagePicture(log.used)}</section>`
}
<section id="namespaces" aria-labelledby="namespaces-title"><h2 id="namespaces-title">Namespaces</h2>
${namespacePicture(log)}</section>
<section id="id-maps" aria-labelledby="id-maps-title"><h2 id="id-maps-title">User and group IDs</h2>
${idMapPictures(log)}</section>
<section id="steps" aria-labelledby="steps-title"><h2 id="steps-title">Every step, with its evidence</h2>
${stepList(log)}</section>
</main>
<footer>Written by gontainer ${log.version} from the log of the launch.</footer>
<script>${new Html(script)}</script>
</body>
</html>
`.text;
}

const legend = html`<ul class="legend">
<li class="was">on the host, or shared</li><li class="new">new: in the container</li><li class="waits">waiting</li><li class="failed">failed</li></ul>`;

const buttons = [
  ['step', '-1', '‹ step', 'previous step'],
  ['call', '-1', '‹ call', 'previous call'],
  ['call', '1', 'call ›', 'next call'],
  ['step', '1', 'step ›', 'next step'],
].map(
  ([kind, by, text, label]) =>
    html`<button type="button" data-kind="${kind}" data-by="${by}" aria-label="${label}">${text}</button>`,
);

/** What the page answers: how the command came to run, or why it did not. */
function headline(log: LaunchLog): Html {
  const name = html`<code>${shownCommand(log)}</code>`;
  const ran = log.calls.some((call) => executesCommand(call) && call.errno === undefined);
  if (ran && log.failure !== undefined) return html`How ${name} came to run, and why that ended`;
  if (ran) return html`How ${name} came to run in a container`;
  if (log.failure?.givenUp) return html`The launch of ${name} was given up`;
  if (log.failure !== undefined) return html`Why ${name} did not run`;
  return html`The launch of ${name}, as far as its log goes`;
}

function facts(log: LaunchLog): string[] {
  const done = log.steps.filter(({ state }) => state === 'done').length;
  return [
    done === log.steps.length ? counted(done, 'step') : `${done} of ${counted(log.steps.length, 'step')}`,
    counted(log.calls.length, 'kernel call'),
    duration(log.end),
    ...(log.ended === undefined
      ? []
      : [
          log.ended.signal === undefined
            ? `ended with status ${log.ended.status}`
            : `killed by ${log.ended.signal}`,
        ]),
    `${new Date(log.time).toISOString().slice(0, 16).replace('T', ' ')} UTC`,
  ];
}

/** The command in one line, cut where it gets long. */
function shownCommand({ command }: LaunchLog): string {
  const line = command.join(' ');
  return line.length > 48 ? `${line.slice(0, 47)}…` : line;
}

/** A source of Content-Security-Policy: this text and no other. */
const hash = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`;
