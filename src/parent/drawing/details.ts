/** What is shown of the call or the step that is chosen in the drawing. */
import { errnoText } from '../../common/kernel/errno.js';
import { type Call, duration, type LaunchLog, type Step, stepOf } from '../recorded/launch-log.js';
import { meaningOf } from './call-meanings.js';
import { argumentText, resultText } from './call-words.js';
import { evidenceDiff } from './evidence-diff.js';
import { type Html, html } from './html.js';

/**
 * Every step and every call, of which one is seen at a time.
 * @param first which is to be seen first, unless one failed
 */
export function details(
  log: LaunchLog,
  first: Call | Step | undefined = log.calls.find(({ call }) => call === 'unshare') ?? log.calls[0],
): Html {
  const failedStep = log.steps.find(({ state }) => state === 'failed');
  const chosen = log.failure?.call ?? failedStep ?? first;
  return html`<div class="details" id="details" role="region" aria-label="What is chosen" tabindex="-1">
${log.steps.map((step) => stepDetail(step, log, step === chosen))}
${log.calls.map((call) => callDetail(call, log, call === chosen))}
</div>`;
}

function callDetail(call: Call, log: LaunchLog, chosen: boolean): Html {
  const step = stepOf(log, call);
  const names = Object.keys(call.args);
  const failed = call.errno !== undefined;
  return html`<article id="call-${call.number}" class="${failed && 'failed'} ${chosen && 'chosen'}">
<div class="what">
<p class="where">${call.actor} · call ${call.number} of ${log.calls.length}</p>
<h3><code><b>${call.call}</b>(${names.map((name, index) => html`${index > 0 && ', '}<i>${name}</i>`)}) <span class="result">${resultText(call)}</span></code></h3>
<p class="does">${meaningOf(call.call)?.does}</p>
${failed && html`<p class="errno"><b>${call.errno}</b>: ${errnoText(call.errno as string) ?? 'unknown error'}.${call === log.failure?.call && log.failure.next !== undefined && html` <span>${log.failure.next}</span>`}</p>`}
<dl class="arguments">${names.map((name) => html`<div><dt>${name}</dt><dd><code>${argumentText(call.call, name, call.args[name])}</code></dd></div>`)}</dl>
</div>
<div class="about">
<dl>
<div><dt>result</dt><dd><code>${resultText(call)}</code></dd></div>
<div><dt>time</dt><dd>${call.us === undefined ? 'does not return' : `took ${duration(call.us)}`}, ${duration(call.at)} after the start, in process ${call.pid}</dd></div>
<div><dt>manual</dt><dd><code>man 2 ${call.call}</code></dd></div>
${
  step !== undefined &&
  html`<div><dt>for step ${step.number}</dt><dd><a href="#step-${step.number}" data-item="step-${step.number}">${step.title}</a></dd></div>
<div><dt>why</dt><dd>${step.why}</dd></div>`
}
</dl>
</div>
</article>
`;
}

function stepDetail(step: Step, log: LaunchLog, chosen: boolean): Html {
  return html`<article id="step-${step.number}" class="${step.state === 'failed' && 'failed'} ${chosen && 'chosen'}">
<div class="what">
<p class="where">${step.stage} · step ${step.number} of ${log.steps.length}${step.state !== 'done' && html` · <b>${step.state}</b>`}</p>
<h3>${step.title}</h3>
${step.state === 'failed' && log.failure !== undefined && html`<p class="errno"><b>${log.failure.message}.</b> ${log.failure.next}</p>`}
<p class="does">${step.why}</p>
</div>
<div class="about">
<dl>
${step.span && html`<div><dt>time</dt><dd>${step.state === 'done' && `took ${duration(step.span.to - step.span.from)}, `}${duration(step.span.from)} after the start</dd></div>`}
<div><dt>manual</dt><dd><code>${manual(step.man)}</code></dd></div>
<div><dt>shell</dt><dd><code>${step.shell}</code></dd></div>
</dl>
</div>
${step.evidence !== undefined && evidenceDiff(step.evidence)}
</article>
`;
}

/** `man 2 clone; man 2 execve` of `clone(2), execve(2)`. */
export const manual = (pages: string): string =>
  pages
    .split(', ')
    .map((page) => page.replace(/^(.+)\((.+)\)$/, 'man $2 $1'))
    .join('; ');
