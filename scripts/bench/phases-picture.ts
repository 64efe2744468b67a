/** The phases of a launch as a picture: one bar for each, parent above child, from the log's own times. */
import type { Phase } from './turns.js';

const [left, width, height, gap] = [16, 860, 26, 8];
const colours = { parent: '#3b6ea5', child: '#b5651d' };

/** An SVG document. @param bare what one bare start-up of the same Node takes, milliseconds */
export function phasesPicture(phases: readonly Phase[], version: string, bare: number): string {
  const end = Math.max(...phases.map(({ to }) => to), bare * 2);
  const x = (time: number): number => Math.round(left + (time / end) * (width - 2 * left));
  const rows = [
    { title: `for comparison: bare Node ${version}, twice`, from: 0, to: bare * 2, colour: '#888888' },
    ...phases.map(({ title, stage, from, to }) => ({
      title: `${stage}: ${title}`,
      from,
      to,
      colour: colours[stage],
    })),
  ];
  const bars = rows.map(({ title, from, to, colour }, index) => {
    const y = 16 + index * (2 * height + gap);
    const length = Math.max(2, x(to) - x(from));
    return `<text x="${left}" y="${y + 16}">${title}, ${(to - from).toFixed(1)} ms</text>
  <rect x="${x(from)}" y="${y + 22}" width="${length}" height="${height}" rx="3" fill="${colour}"/>`;
  });
  const total = 24 + rows.length * (2 * height + gap);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${total}" font-family="sans-serif" font-size="15" role="img" aria-label="The phases of a launch">
  <rect width="${width}" height="${total}" fill="#ffffff"/>
  ${bars.join('\n  ')}
</svg>
`;
}
