/** The samples of a container's life: however long it is, there are few of them, and no peak is lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BoundedSamples, mostSamples } from '../../../src/parent/launch/bounded-samples.js';

test('however many samples come, fewer than the most are kept, with the peak, the order and the last', () => {
  const values = fc.record({ memory: fc.nat(), processes: fc.nat() }, { requiredKeys: ['memory'] });
  fc.assert(
    fc.property(fc.array(values, { minLength: 1, maxLength: 3_000, size: 'max' }), (all) => {
      const samples = new BoundedSamples();
      let times = 0;
      for (const [at, value] of all.entries()) if (samples.add({ at, cpuTime: at, ...value })) times += 1;
      const kept = samples.all();
      assert.ok(kept.length < mostSamples, `${kept.length} samples`);
      // Half of them are there when they were just made fewer.
      assert.ok(times === 0 ? kept.length === all.length : kept.length >= mostSamples / 2);
      const most = (some: readonly { readonly memory?: number }[]) =>
        Math.max(...some.map(({ memory = 0 }) => memory));
      assert.equal(most(kept), most(all));
      assert.ok(kept.every(({ at }, index) => at > (kept[index - 1]?.at ?? -1)));
      assert.deepEqual(
        [kept.at(-1)?.at, kept.at(-1)?.cpuTime],
        [all.length - 1, all.length - 1],
        'the last one is there',
      );
    }),
    { numRuns: 20 },
  );
});
