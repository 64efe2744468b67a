/**
 * Options of `gontainer run` that a program does not get, because launch() sets them itself, because they need somebody at
 * a terminal, or because they start nothing, or something that launch() would not hear of any more. `env` and
 * `window` it takes in another form.
 */
export const leftOut: readonly string[] = [
  ...[
    'status-fd',
    'log-fd',
    'changes-fd',
    'control-fd',
    'log-level',
    'log-format',
    'quiet',
    'die-with-parent',
  ],
  ...['step', 'present'],
  ...['dry-run', 'json', 'shell'],
  ...['detach', 'output'],
  ...['env', 'env-fd', 'clear-env', 'window', 'window-fd', 'decide-fd'],
];

/** `uid-map` is `uidMap`, and `as-pid-1` is `asPid1`. */
export const propertyOf = (option: string): string =>
  option.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

/** `uidMap` is `uid-map`, and `asPid1` is `as-pid-1`. */
export const optionOf = (property: string): string =>
  property.replace(/[A-Z]|(?<=[a-z])\d+/g, (found) => `-${found.toLowerCase()}`);
