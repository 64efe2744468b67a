/**
 * The page's script. It takes the parts of the page that have changed, and changes in the document what differs and
 * nothing else: what stays keeps its place, what somebody scrolled or unfolded stays so, and what is new lights up.
 */
export const browserScript = `'use strict';
const byId = (id) => document.getElementById(id);
const calm = matchMedia('(prefers-reduced-motion: reduce)');
const proportions = new CSSStyleSheet();
document.adoptedStyleSheets = [proportions];
document.documentElement.classList.add('live');

const attributes = (element) => [...(element.attributes ?? [])].map(({ name, value }) => name + value).join();

/** Makes the children of one element those of another. */
function merge(old, fresh) {
  const [there, wanted] = [[...old.childNodes], [...fresh.childNodes]];
  wanted.forEach((node, index) => {
    const was = there[index];
    if (was === undefined) old.append(node);
    else if (was.isEqualNode(node)) return;
    else if (was.nodeName === node.nodeName && node.firstChild && attributes(was) === attributes(node)) return merge(was, node);
    else was.replaceWith(node);
    if (!calm.matches) node.animate?.([{ opacity: 0.15 }, { opacity: 1 }], 500);
  });
  for (const node of there.slice(wanted.length)) node.remove();
}

function take(parts) {
  for (const [id, text] of Object.entries(parts)) {
    if (id === 'style') proportions.replaceSync(text);
    const element = byId(id);
    if (!element) continue;
    const template = document.createElement('template');
    template.innerHTML = text;
    merge(element, template.content);
  }
  if ('processes' in parts) choose(byId('details')?.querySelector('.chosen')?.id);
  if ('steps' in parts) byId('steps').querySelector('[aria-current=step]')?.scrollIntoView({ block: 'nearest' });
  fit();
  if ('place' in parts) showSection(byId('place').querySelector('[data-section]')?.dataset.section);
}

/** Leaves out what has no room: whole rows with a sign of how many, and whole sentences. Nothing is cut in half. */
function fit() {
  const now = byId('now');
  for (const sign of now.querySelectorAll('.more')) sign.remove();
  for (const part of now.querySelectorAll('[hidden]')) part.hidden = false;
  const bottom = now.getBoundingClientRect().bottom;
  for (const column of now.children) {
    const fits = () => column.getBoundingClientRect().bottom <= bottom;
    const why = column.querySelector('.why');
    if (why) leaveOutSentences(why, fits);
    const done = column.querySelector('.just-done');
    leaveOutRows(column.querySelector('.just-done tbody'), 'line', fits);
    if (done && !fits()) done.hidden = true;
    leaveOutRows(column.querySelector('.calls-now'), 'call', fits);
  }
}

function leaveOutSentences(text, fits) {
  text.dataset.all ??= text.textContent;
  const sentences = text.dataset.all.split(/(?<=[.:!?]) /);
  text.textContent = text.dataset.all;
  while (!fits() && sentences.length > 1) {
    sentences.pop();
    text.textContent = sentences.join(' ') + ' …';
  }
}

function leaveOutRows(list, what, fits) {
  if (!list || fits()) return;
  const rows = [...list.children].filter((row) => row.offsetParent !== null);
  const sign = document.createElement(list.tagName === 'TBODY' ? 'tr' : 'li');
  sign.className = 'more';
  list.append(sign);
  for (let hidden = 1; rows.length > 0 && !fits(); hidden += 1) {
    rows.pop().hidden = true;
    const words = (hidden === 1 ? 'one more ' : hidden + ' more ') + what + (hidden === 1 ? '' : 's') + ', below';
    if (sign.tagName === 'TR') sign.innerHTML = '<td colspan="3">' + words + '</td>';
    else sign.textContent = words;
  }
}
addEventListener('resize', fit);
document.fonts?.ready.then(fit);

/** Marks a call or a step in the drawing, and shows what is written about it. */
function choose(item) {
  for (const article of document.querySelectorAll('#details > article')) article.classList.toggle('chosen', article.id === item);
  for (const drawn of document.querySelectorAll('.lanes [data-item]')) drawn.classList.toggle('chosen', drawn.dataset.item === item);
}
document.addEventListener('click', (event) => {
  const link = event.target.closest('[data-item]');
  if (!link) return;
  event.preventDefault();
  choose(link.dataset.item);
});

/** The section of the lesson that the learner is at. */
function showSection(id) {
  for (const section of document.querySelectorAll('#lesson > section')) section.toggleAttribute('data-here', section.id === id);
  const lesson = byId('lesson');
  if (lesson && byId(id)) lesson.scrollTo({ top: id === 'section-1' ? 0 : byId(id).offsetTop - lesson.offsetTop, behavior: calm.matches ? 'auto' : 'smooth' });
}

const say = (sentence) => {
  byId('connection').hidden = sentence === '';
  byId('connection').textContent = sentence;
};
let events;
function listen() {
  events?.close();
  const own = new EventSource('events' + location.search);
  events = own;
  own.onopen = () => say('');
  own.onmessage = ({ data }) => take(JSON.parse(data));
  own.onerror = () => say(own.readyState === EventSource.CLOSED
    ? 'The presenter was restarted, with a new address: open the one that it has printed.'
    : 'The presenter does not answer. This page shows what it knew last, and goes on when it is back.');
}
listen();

/** A recorded launch: keys, buttons and the list go through its moments. */
const moments = Number(document.body.dataset.moments);
const moment = () => Number(new URLSearchParams(location.search).get('step') ?? 1);
function goTo(wanted) {
  const number = Math.min(Math.max(wanted, 1), moments);
  if (number === moment()) return;
  history.replaceState(null, '', '?step=' + number);
  listen();
}
if (moments > 0) {
  addEventListener('keydown', (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const on = { ArrowRight: 1, PageDown: 1, Enter: 1, ' ': 1, n: 1, ArrowLeft: -1, PageUp: -1, Backspace: -1, b: -1, Home: -Infinity, End: Infinity }[event.key];
    const presses = (event.key === 'Enter' || event.key === ' ') && event.target.closest('button, a, summary');
    if (on === undefined || presses) return;
    event.preventDefault();
    goTo(moment() + on);
  });
  document.addEventListener('click', ({ target }) => {
    const button = target.closest('[data-by]');
    const step = target.closest('[data-step]');
    if (button) goTo(moment() + Number(button.dataset.by));
    else if (step) goTo(Number(step.dataset.step));
  });
}

const theme = document.querySelector('.theme');
const preference = matchMedia('(prefers-color-scheme: dark)');
const isDark = () => (document.documentElement.dataset.theme ?? (preference.matches ? 'dark' : 'light')) === 'dark';
const showTheme = () => theme.setAttribute('aria-pressed', String(isDark()));
const remembered = sessionStorage.getItem('theme');
if (remembered) document.documentElement.dataset.theme = remembered;
theme.addEventListener('click', () => {
  document.documentElement.dataset.theme = isDark() ? 'light' : 'dark';
  sessionStorage.setItem('theme', document.documentElement.dataset.theme);
  showTheme();
});
preference.addEventListener('change', showTheme);
showTheme();
`;
