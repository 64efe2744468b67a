/** Versions of kernels are compared number by number, whatever a distribution adds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBefore } from '../../../src/parent/advice/newer-kernel.js';

for (const [here, since, expected] of [
  ['5.10.0-8-amd64', '5.9', false],
  ['5.10.0-8-amd64', '5.11', true],
  ['4.19.0', '5.3', true],
  ['5.3', '5.3', false],
  ['5.3.0-rc1', '5.3', false],
  ['5.2-rc7', '5.3', true],
  ['10.0.1-generic', '5.12', false],
  ['6.18.44+', '6.2', false],
  ['2.6.15', '2.6.16', true],
  ['3.10.0-1160.el7', '3.17', true],
  ['3.0', '2.6.27', false],
] as const) {
  test(`Linux ${here} is ${expected ? '' : 'not '}older than ${since}`, () => {
    assert.equal(isBefore(here, since), expected);
  });
}
