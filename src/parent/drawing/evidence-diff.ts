/** What was read from the kernel before and after a step, side by side, with what differs marked. */
import { isDeepStrictEqual } from 'node:util';
import { isFields } from '../recorded/fields.js';
import type { Evidence } from '../recorded/launch-log.js';
import { type Html, html } from './html.js';

/** Longer lists are folded. */
const shownItems = 6;

export function evidenceDiff({ before, after }: { before: Evidence; after: Evidence }): Html {
  const rows = rowsOf(before, after);
  if (rows.length === 0) return html`<p class="absent">This step has no evidence in the log.</p>`;
  return html`<table class="evidence"><thead><tr><th scope="col">read from the kernel</th><th scope="col">before</th><th scope="col">after</th></tr></thead>
<tbody>${rows.map(({ name, old, fresh }) =>
    isDeepStrictEqual(old, fresh)
      ? html`<tr><th scope="row">${name}</th><td class="same" colspan="2">${shown(fresh)} <i>unchanged</i></td></tr>
`
      : html`<tr><th scope="row">${name}</th>${changed(old, fresh)}</tr>
`,
  )}</tbody></table>`;
}

interface Row {
  readonly name: string;
  readonly old: unknown;
  readonly fresh: unknown;
}

/** One row for each value: the fields of an object have rows of their own. */
function rowsOf(before: Evidence, after: Evidence): Row[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name) => {
    const [old, fresh] = [before[name], after[name]];
    if (isFields(old) || isFields(fresh))
      return rowsOf(isFields(old) ? old : {}, isFields(fresh) ? fresh : {});
    return [{ name, old, fresh }];
  });
}

function changed(old: unknown, fresh: unknown): Html {
  if (!Array.isArray(old) || !Array.isArray(fresh))
    return html`<td class="before">${old === undefined ? none : html`<del>${shown(old)}</del>`}</td><td class="after">${fresh === undefined ? none : html`<ins>${shown(fresh)}</ins>`}</td>`;
  const [gone, added] = [lacking(old, fresh), lacking(fresh, old)];
  const kept = lacking(old, gone);
  const rest =
    kept.length <= shownItems
      ? kept.map((item) => html`<li class="kept">${shown(item)}</li>`)
      : html`<li class="kept"><i>${kept.length} unchanged</i></li>`;
  return html`<td class="before"><ul>${items(gone, 'del')}${rest}</ul>${old.length === 0 && none}</td><td class="after"><ul>${items(added, 'ins')}${rest}</ul>${fresh.length === 0 && none}</td>`;
}

/** Those of a list that another does not have, each as often as it lacks them. */
function lacking(list: readonly unknown[], other: readonly unknown[]): unknown[] {
  const rest = other.map(shown);
  return list.filter((item) => {
    const found = rest.indexOf(shown(item));
    if (found >= 0) rest.splice(found, 1);
    return found < 0;
  });
}

/** Numbers one after the other, anything else one below the other; what is too much is folded. */
function items(list: readonly unknown[], element: 'del' | 'ins'): Html[] {
  const item = (text: string) =>
    element === 'del' ? html`<li><del>${text}</del></li>` : html`<li><ins>${text}</ins></li>`;
  if (list.length <= shownItems) return list.map((value) => item(shown(value)));
  const numbers = list.every((value) => typeof value === 'number');
  const [first, more] = [list.slice(0, shownItems).map(shown), list.slice(shownItems).map(shown)];
  return [
    ...(numbers ? [item(`${first.join(' ')} …`)] : first.map(item)),
    html`<li><details><summary>and ${more.length} more</summary>${more.join(numbers ? ' ' : '\n')}</details></li>`,
  ];
}

const none = html`<i>none</i>`;

/** A value in one line. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(shown).join(', ');
  if (isFields(value)) return JSON.stringify(value);
  return value === undefined ? 'none' : String(value);
}
