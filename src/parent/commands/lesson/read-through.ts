/** A lesson to read: all that it has, in order, and nothing is run. */
import type { Lesson, Part } from '../../course/lesson.js';
import type { Renderer } from './render.js';

/** Its lines, with the answers below the questions. */
export function readThrough(lesson: Lesson, renderer: Renderer): string {
  const { number, title, minutes, introduction, sections } = lesson;
  const said = (text: string): string => renderer.paint('dim', renderer.wrap(text));
  const block = (part: Part): string[] => {
    switch (part.kind) {
      case 'text':
      case 'wrong answers':
        return [renderer.block(part.token)];
      case 'console':
        return part.commands.map(({ text, expected }) =>
          [renderer.command(text), ...expected.map((line) => renderer.output(line))].join('\n'),
        );
      case 'prediction':
        return [said('What do you think? The answer:'), ...part.reveal.flatMap(block)];
      case 'exercise':
        return [
          ...part.hints.flatMap((hint) => [said('A hint:'), ...hint.flatMap(block)]),
          said('A solution:'),
          ...part.solution.flatMap(block),
        ];
    }
  };
  return [
    renderer.heading(`Lesson ${number} · ${title}`),
    said(
      `About ${minutes} minutes. This is its text; nothing is run. To take it, on Linux: gontainer lesson ${lesson.name}`,
    ),
    ...introduction.flatMap(block),
    ...sections.flatMap((section, index) => [
      renderer.heading(`${index + 1}/${sections.length}  ${section.title}`),
      ...section.parts.flatMap(block),
    ]),
  ].join('\n\n');
}
