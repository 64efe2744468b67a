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
  if ('now' in parts) byId('now').scrollTop = 0;
  if ('place' in parts) showSection(byId('place').querySelector('[data-section]')?.dataset.section);
}

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
const events = new EventSource('events' + location.search);
events.onopen = () => say('');
events.onmessage = ({ data }) => take(JSON.parse(data));
events.onerror = () => say(events.readyState === EventSource.CLOSED
  ? 'The presenter was started anew, with a new address: open the one that it has printed.'
  : 'The presenter does not answer. This page shows what it knew last, and goes on when it is back.');

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
