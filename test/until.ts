/** Waiting for what another process is about to do: how long, and how. */

/** So many times as long everything may take, as on an emulated machine: `npm test -- --patience=10`. */
export const slowness = Number(process.env.GONTAINER_PATIENCE ?? 1);

/** So long, milliseconds, a busy machine may take over anything; then a test says what is there instead. */
export const patience = 120_000 * slowness;

/** Between two looks, milliseconds. */
const pause = 20;

/**
 * Looks again and again until what is looked for is there.
 * @param what a sentence for the error when it does not come, or a function that makes it
 * @param look gives what is looked for; undefined or false while it is not there
 */
export async function until<Found>(
  what: string | (() => string),
  look: () => Found | undefined | false | Promise<Found | undefined | false>,
): Promise<Found> {
  for (const end = Date.now() + patience; ; ) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(typeof what === 'string' ? what : what());
    await new Promise((done) => setTimeout(done, pause));
  }
}
