import { usageFailure } from '../../common/failure.js';
import type { Option } from '../command-line/option.js';

export const portOption: Option = {
  name: 'port',
  kind: 'number',
  value: 'N',
  describe: 'serve the page on this port of 127.0.0.1; a free one by default',
  group: 'Presenter',
};

/** @throws Failure with status 2 for a number that is not a port */
export function portNumber(given: number | undefined): number {
  if (given === undefined) return 0;
  if (!Number.isInteger(given) || given < 1 || given > 65_535)
    throw usageFailure(
      `--port ${given} is not a port`,
      'Ports go from 1 to 65535; leave --port out for a free one.',
    );
  return given;
}
