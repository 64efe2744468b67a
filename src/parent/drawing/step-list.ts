/** All steps one below the other: why, the shell command, the evidence, and the calls. The part to read and to print. */

import { counted } from '../../common/counted.js';
import { type Call, duration, type LaunchLog, type Step } from '../recorded/launch-log.js';
import { callLine } from './call-words.js';
import { manual } from './details.js';
import { evidenceDiff } from './evidence-diff.js';
import { type Html, html } from './html.js';

export function stepList(log: LaunchLog): Html {
  const before = log.calls.filter(({ step }) => !log.steps.some(({ id }) => id === step));
  return html`<ol class="steps">
${log.steps.map((step) => entry(step, log))}
</ol>
${
  before.length > 0 &&
  html`<section class="stepless"><h3>Calls that belong to no step</h3><p>They make the pipes between the processes, before the first step.</p>${callTable(before)}</section>`
}`;
}

function entry(step: Step, log: LaunchLog): Html {
  const calls = log.calls.filter((call) => call.step === step.id);
  const failed = step.state === 'failed';
  return html`<li class="step ${step.state.replace(' ', '-')}">
<header><span class="number">${step.number}</span><h3>${step.title}</h3><span class="state">${step.state === 'done' ? step.span && duration(step.span.to - step.span.from) : step.state}</span></header>
${failed && html`<p class="failure">${log.failure?.message}. <b>${log.failure?.next}</b></p>`}
<p class="why">${step.why}</p>
<p class="shell"><code>${step.shell}</code> <span>${step.stage} · <code>${manual(step.man)}</code></span></p>
${step.evidence !== undefined && evidenceDiff(step.evidence)}
${calls.length > 0 && callTable(calls)}
</li>
`;
}

const callTable = (calls: readonly Call[]): Html =>
  html`<details class="calls" open><summary>${counted(calls.length, 'kernel call')}</summary>
<table><thead><tr><th scope="col">process</th><th scope="col">call</th><th scope="col">took</th></tr></thead><tbody>${calls.map(
    (call) =>
      html`<tr class="${call.errno !== undefined && 'failed'}"><td>${call.actor}</td><td><a href="#call-${call.number}" data-item="call-${call.number}"><code>${callLine(call)}</code></a></td><td>${call.us === undefined ? '' : duration(call.us)}</td></tr>
`,
  )}</tbody></table></details>`;
