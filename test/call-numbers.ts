import { watchedNumbers, watchKinds } from '../src/common/watch/watched-calls.js';

/** The number of a watched call on this processor. @throws where it has none */
export function numberOf(wanted: string): number {
  const numbers = watchedNumbers(process.arch === 'x64' ? 'x64' : 'arm64', watchKinds);
  for (const [number, { name }] of numbers) if (name === wanted) return number;
  throw new Error(`${wanted} has no number on ${process.arch}`);
}
