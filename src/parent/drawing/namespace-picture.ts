/** The eight namespaces of host and container: one bar through both where they share it, two where it is new. */
import { namespaces } from '../../common/namespaces.js';
import { isFields } from '../recorded/fields.js';
import type { LaunchLog } from '../recorded/launch-log.js';
import { type Html, html } from './html.js';

interface Pair {
  readonly name: string;
  readonly isolates: string;
  readonly host: string;
  /** Undefined where the launch did not come so far. */
  readonly container: string | undefined;
}

export function namespacePicture(log: LaunchLog): Html {
  const pairs = namespacePairs(log);
  if (pairs === undefined)
    return html`<p class="absent">No step that makes namespaces was done, so there is nothing to compare.</p>`;
  const fresh = pairs.filter(({ host, container }) => container !== undefined && container !== host);
  const made = pairs.some(({ container }) => container !== undefined);
  return html`<p>${
    made
      ? html`The container has <strong class="new">${fresh.length === pairs.length ? 'all eight' : fresh.length} of its own</strong> and shares ${fresh.length === pairs.length ? 'none' : pairs.length - fresh.length} with the host. Where both have the same number, it is the same namespace.`
      : log.failure === undefined
        ? html`The container has none of its own yet: these are the host’s.`
        : html`The launch ended before there was a container: nothing was made.`
  }</p>
<div class="namespaces" role="table" aria-label="Namespaces of host and container">
<div class="row heads" role="row"><span role="columnheader" class="kind">namespace of</span><span role="columnheader" class="host">host</span><span role="columnheader" class="container">container</span></div>
${pairs.map(row)}
</div>`;
}

function row({ name, isolates, host, container }: Pair): Html {
  const kind = html`<span role="rowheader" class="kind"><b>${name}</b><small>${isolates}</small></span>`;
  if (container === host)
    return html`<div class="row shared" role="row">${kind}<span class="both" role="cell" aria-colspan="2"><code>${id(host)}</code><i>shared</i><code aria-hidden="true">${id(host)}</code></span></div>
`;
  return html`<div class="row" role="row">${kind}<span class="host" role="cell"><code>${id(host)}</code></span>${
    container === undefined
      ? html`<span class="container none" role="cell">not made</span>`
      : html`<span class="container" role="cell"><code>${id(container)}</code><i>new</i></span>`
  }</div>
`;
}

/** From the evidence of the steps: before the first, and after the last that tells; and of a stop before the first. */
function namespacePairs({ steps, stop }: LaunchLog): Pair[] | undefined {
  const told = steps.flatMap(({ evidence }) =>
    isFields(evidence?.before.namespaces) && isFields(evidence.after.namespaces)
      ? [{ before: evidence.before.namespaces, after: evidence.after.namespaces }]
      : [],
  );
  const stopped = isFields(stop?.before.namespaces) ? stop.before.namespaces : undefined;
  const [first, last] = [told[0]?.before ?? stopped, told.at(-1)?.after];
  if (first === undefined) return undefined;
  return namespaces.map(({ name, entry, isolates }) => ({
    name,
    isolates,
    host: String(first[entry] ?? 'absent'),
    // A PID namespace is made with its first process: until then the evidence has words in its place.
    container: link.test(String(last?.[entry])) ? String(last?.[entry]) : undefined,
  }));
}

/** `4026531837` of `user:[4026531837]`. */
const id = (text: string): string => link.exec(text)?.[1] ?? text;

/** What a link of /proc/PID/ns leads to: namespaces(7). */
const link = /^\w+:\[(\d+)\]$/;
