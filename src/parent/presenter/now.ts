/** The part of the page to look at: what is about to be done, or was just done, with its calls and what it changed. */
import { callLine, comingCallLine } from '../drawing/call-words.js';
import { manual } from '../drawing/details.js';
import { evidenceDiff } from '../drawing/evidence-diff.js';
import { type Html, html } from '../drawing/html.js';
import { type ComingCall, duration, type LaunchLog, type Step } from '../recorded/launch-log.js';
import { currentStep, type ShownLaunch } from './launch-state.js';

export function now(launch: ShownLaunch | undefined): Html {
  if (launch === undefined) return invitation;
  const { log, complaint, cutOff, lacks } = launch;
  const warnings = html`${lacks.map((sentence) => html`<p class="lacks">${sentence}</p>`)}`;
  if (complaint !== undefined)
    return html`<p class="where">nothing to see</p><p class="lacks">${complaint}</p>`;
  if (log === undefined) return html`<p class="where">begins</p>${warnings}`;
  const step = currentStep(log);
  const last = log.steps.findLast(({ state }) => state === 'done');
  if (log.failure?.givenUp)
    return html`<div>${warnings}<p class="where">over</p><h2>The launch was given up${step && html` before step ${step.number}`}</h2>
<p class="why">Nothing is left of it: what was made so far went with its processes.</p></div>
<div>${last && justDone(last)}</div>`;
  if (log.failure !== undefined)
    return html`${warnings}<p class="where">failed${step && html` in step ${step.number} of ${log.steps.length}`}</p>
${step && html`<h2>${step.title}</h2>`}
<p class="errno"><b>${log.failure.message}.</b> ${log.failure.next}</p>
${log.failure.call && html`<ul class="calls-now"><li class="failed"><i>${log.failure.call.actor}</i> <code>${callLine(log.failure.call)}</code></li></ul>`}`;
  if (cutOff)
    return html`<div>${warnings}<p class="where">killed</p><h2>The launcher was killed</h2>
<p class="why">Nothing was written after this. The kernel took the rest of the container away: every process of it asked to be killed when its parent ends (PR_SET_PDEATHSIG).</p></div>
<div>${last && justDone(last)}</div>`;
  if (step === undefined)
    return html`<div>${warnings}${command(log)}</div>
<div>${last && log.ended === undefined && justDone(last)}</div>`;
  return html`<div>${warnings}<p class="where">${log.stop === undefined ? 'being done' : 'about to be done'} · step ${step.number} of ${log.steps.length} · ${step.stage}</p>
<h2>${step.title}</h2>
<p class="why">${step.why}</p>
<p class="shell"><code>${step.shell}</code> <span>${manual(step.man)}</span></p></div>
<div>${callsOf(log, step)}
${last && justDone(last)}</div>`;
}

const invitation = html`<p class="where">nothing yet</p>
<h2>Waiting for a launch</h2>
<p class="why">Start one in another terminal of the same user, and it is shown here while it happens:</p>
<p class="shell"><code>gontainer run --all --step</code></p>`;

/** What the launch was for. */
function command({ command: words, ended, calls }: LaunchLog): Html {
  const line = html`<code>${words.join(' ')}</code>`;
  const pid = calls.findLast(({ actor }) => actor === 'command')?.pid;
  if (ended === undefined)
    return html`<p class="where">all steps are done</p><h2>The command runs: ${line}</h2>
${pid !== undefined && html`<p class="why">On the host it is process ${pid}. Look for it with ps, in another terminal.</p>`}`;
  return html`<p class="where">over</p><h2>The command has ended: ${line}</h2>
<p class="why">${ended.signal === undefined ? html`Its exit status was <b>${ended.status}</b>.` : html`It was killed by <b>${ended.signal}</b>.`} Its namespaces went when the last process in them did.</p>`;
}

/** Those about to be made; while a step is being done, those that were made. */
function callsOf(log: LaunchLog, { id }: Step): Html | false {
  const coming = ({ actor, call, args }: ComingCall) =>
    html`<li><i>${actor}</i> <code>${comingCallLine({ actor, call, args })}</code></li>`;
  const items =
    log.stop !== undefined
      ? log.stop.calls.map(coming)
      : log.calls
          .filter(({ step }) => step === id)
          .map((call) => html`<li><i>${call.actor}</i> <code>${callLine(call)}</code></li>`);
  return items.length > 0 && html`<ul class="calls-now">${items}</ul>`;
}

const justDone = ({ number, title, summary, span, evidence }: Step): Html =>
  html`<section class="just-done"><h3><b>✓</b> ${number} · ${title}${span && html` <small>${duration(span.to - span.from)}</small>`}</h3>
${summary !== undefined && summary !== '' && html`<p class="summary">${summary}</p>`}
${evidence && evidenceDiff(evidence)}</section>`;
