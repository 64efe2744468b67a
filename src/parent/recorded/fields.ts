/** Reads values of a log as the type they should have. A value of another type counts as absent. */

export type Fields = Readonly<Record<string, unknown>>;

/** Whether a value is an object with fields, neither a list nor null. */
export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const asFields = (value: unknown): Fields => (isFields(value) ? value : {});
export const asText = (value: unknown): string => (typeof value === 'string' ? value : '');
export const optionalText = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined;
export const asTexts = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
export const asNumber = (value: unknown): number =>
  typeof value === 'number' && Number.isFinite(value) ? value : 0;
