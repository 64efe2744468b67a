/**
 * The page's script: choosing calls and steps with the mouse and the keyboard, and the switch between light and dark.
 * Everything that is shown stands in the page already, so that it reads without the script too.
 */
export const script = `'use strict';
document.documentElement.classList.add('live');
const details = document.getElementById('details');
const drawn = [...document.querySelectorAll('.lanes [data-item]')];
const place = (element) => element.querySelector('rect').x.baseVal.value;
const inTime = (kind) =>
  drawn.filter((element) => element.dataset.item.startsWith(kind + '-'))
    .sort((a, b) => Number(a.dataset.item.split('-')[1]) - Number(b.dataset.item.split('-')[1]));
const order = { call: inTime('call'), step: inTime('step') };
const drawing = (item) => drawn.find((element) => element.dataset.item === item);
let chosen = details.querySelector('.chosen')?.id;

function choose(item, focus) {
  const article = document.getElementById(item);
  if (!article || article.parentElement !== details) return;
  chosen = item;
  for (const other of details.children) other.classList.toggle('chosen', other === article);
  for (const element of drawn) {
    element.classList.toggle('chosen', element.dataset.item === item);
    element.setAttribute('tabindex', element.dataset.item === item ? '0' : '-1');
    if (element.dataset.item === item) element.setAttribute('aria-current', 'true');
    else element.removeAttribute('aria-current');
  }
  const step = article.querySelector('[data-item^=step]')?.dataset.item ?? item;
  for (const element of order.step) element.classList.toggle('around', element.dataset.item === step);
  const element = drawing(item);
  if (!element) return;
  const lanes = document.querySelector('.lanes-scroll');
  const [box, view] = [element.getBoundingClientRect(), lanes.getBoundingClientRect()];
  const tree = lanes.querySelector('.tree').getBoundingClientRect().width;
  if (box.left < view.left + tree || box.right > view.right)
    lanes.scrollLeft += box.left - view.left - tree - (view.width - tree) / 3;
  if (focus) element.focus({ preventScroll: true });
}

/** The next one of a kind; from a call to a step and back by where they stand in time. */
function walk(kind, by, focus) {
  const list = order[kind];
  const at = list.findIndex((element) => element.dataset.item === chosen);
  if (at >= 0) return choose(list[Math.min(list.length - 1, Math.max(0, at + by))].dataset.item, focus);
  const here = drawing(chosen);
  const x = here ? place(here) : 0;
  const next = by > 0 ? list.find((element) => place(element) >= x) : list.findLast((element) => place(element) <= x);
  const end = by > 0 ? list.at(-1) : list[0];
  if (next ?? end) choose((next ?? end).dataset.item, focus);
}

document.addEventListener('click', (event) => {
  const link = event.target.closest('[data-item]');
  if (link && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    choose(link.dataset.item, link.closest('.lanes') !== null);
    if (!link.closest('#processes')) document.getElementById('processes').scrollIntoView();
  }
  const button = event.target.closest('[data-kind]');
  if (button) walk(button.dataset.kind, Number(button.dataset.by), false);
});

const keys = { ArrowRight: ['call', 1], ArrowLeft: ['call', -1], ArrowDown: ['step', 1], ArrowUp: ['step', -1] };
document.addEventListener('keydown', (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const inside = document.activeElement.closest('.lanes, .walk, .details') !== null;
  const move = keys[event.key];
  // Up and down scroll the page, unless the drawing has the focus.
  if (move && (inside || (move[0] === 'call' && document.activeElement === document.body))) {
    event.preventDefault();
    walk(move[0], move[1], document.activeElement.closest('.walk, .details') === null);
  } else if (inside && (event.key === 'Home' || event.key === 'End')) {
    event.preventDefault();
    choose(order.call.at(event.key === 'Home' ? 0 : -1)?.dataset.item, true);
  } else if (event.key === 'Enter' && document.activeElement.closest('.lanes')) {
    event.preventDefault();
    details.focus();
  }
});

const theme = document.querySelector('.theme');
const preference = matchMedia('(prefers-color-scheme: dark)');
const isDark = () => (document.documentElement.dataset.theme ?? (preference.matches ? 'dark' : 'light')) === 'dark';
const showTheme = () => theme.setAttribute('aria-pressed', String(isDark()));
theme.addEventListener('click', () => {
  document.documentElement.dataset.theme = isDark() ? 'light' : 'dark';
  showTheme();
});
preference.addEventListener('change', showTheme);
showTheme();
const asked = location.hash.slice(1);
choose(/^(call|step)-\\d+$/.test(asked) && document.getElementById(asked) ? asked : chosen, false);
`;
