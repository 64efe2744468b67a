/** `1 call`, `2 calls`, `2 launches`. */
export const counted = (number: number, word: string): string =>
  `${number} ${word}${number === 1 ? '' : /(s|[cs]h)$/.test(word) ? 'es' : 's'}`;
