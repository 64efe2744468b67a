/** A lesson as HTML, for the room to read beside the live picture. Its answers are folded: the room guesses first. */
import type { Token } from 'marked';
import type { Lesson, Part } from '../course/lesson.js';
import { Progress } from '../course/progress.js';
import { Html, html } from '../drawing/html.js';
import type { Fragments } from './fragments.js';

type Block = (token: Token) => Html;

/** All of it; its sections have the ids `section-1` and so on. */
export async function lessonText({ number, title, introduction, sections }: Lesson): Promise<Html> {
  const block = await blocks();
  return html`<header><p class="where">lesson ${number} · <span id="place"></span></p><h2>${title}</h2></header>
${partsOf(introduction, block)}
${sections.map(
  (section, index) => html`<section id="section-${index + 1}"><h3>${section.title}</h3>
${partsOf(section.parts, block)}</section>
`,
)}`;
}

/** Where the learner on this machine is, who goes through it with `gontainer lesson`. */
export function lessonPlace({ name, sections }: Lesson): Fragments {
  const { sections: passed, done } = new Progress().of(name);
  if (done && passed === 0) return { place: html`done`.text };
  const at = Math.min(passed + 1, sections.length);
  return { place: html`<span data-section="section-${at}">section ${at} of ${sections.length}</span>`.text };
}

function partsOf(parts: readonly Part[], block: Block): Html[] {
  return parts.map((part) => {
    switch (part.kind) {
      case 'text':
      case 'wrong answers':
        return block(part.token);
      case 'console':
        return html`<pre>${part.commands.map(
          ({ text, expected }) =>
            html`<b>$ ${text.replaceAll('\n', '\n> ')}</b>
${expected.map((line) => `${line}\n`)}`,
        )}</pre>`;
      case 'prediction':
        return html`<details><summary>What do you think? Open it to see.</summary>${partsOf(part.reveal, block)}</details>`;
      case 'exercise':
        return html`${part.hints.map((hint) => html`<details><summary>A hint</summary>${partsOf(hint, block)}</details>`)}
<details><summary>A solution</summary>${partsOf(part.solution, block)}</details>`;
    }
    return html``;
  });
}

/** marked, which is an ES module, with its HTML shown as text and no links out of the page. */
async function blocks(): Promise<Block> {
  const { Marked } = await import('marked');
  const marked = new Marked({
    renderer: {
      html: ({ text }) => html`${text}`.text,
      image: ({ text }) => html`${text}`.text,
      link({ tokens }) {
        return this.parser.parseInline(tokens);
      },
    },
  });
  return (token) => new Html(marked.parser([token]));
}
