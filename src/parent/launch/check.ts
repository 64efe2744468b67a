/** What messages of other processes are checked by. */
export type Check = (value: unknown) => boolean;

export const matching =
  (pattern: RegExp): Check =>
  (value) =>
    typeof value === 'string' && pattern.test(value);

export const isSignalName = matching(/^SIG[A-Z0-9]{1,12}(\+\d{1,2})?$/);
