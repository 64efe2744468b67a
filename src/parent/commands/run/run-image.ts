/** `gontainer run --image`, and --image-config: the root from an image, and what the image says of how it is run. */
import { defined } from '../../../common/defined.js';
import { usageFailure } from '../../../common/failure.js';
import { inform } from '../../../common/print.js';
import { shownText } from '../../../common/shown-text.js';
import type { Values } from '../../command-line/subcommand.js';
import type { Tally } from '../../images/archive/tally.js';
import { hostPlatform, parsePlatform } from '../../images/image/platform.js';
import { imageRoot, type PullPolicy } from '../../images/image-root.js';
import { readRecord } from '../../images/kept/root-record.js';
import { Progress } from '../../images/progress-line.js';
import type { ChosenImage } from '../../spec/image-defaults.js';

export interface ImageRun {
  /** With the root that was made from the image. */
  readonly values: Values;
  readonly image: ChosenImage;
}

/**
 * Pulls or imports the image where it is not there yet.
 * @throws Failure when that cannot be done, or the options contradict each other
 */
export async function runImage(values: Values): Promise<ImageRun> {
  const {
    image,
    mnt,
    overlay,
    platform,
    pull = 'missing',
    quiet,
    'image-config': fromRoot,
    'dry-run': rehearsed,
    'map-auto': mapped,
  } = values.options;
  if (image === undefined) return { values, image: imageOf(mnt) };
  if (mnt !== undefined || fromRoot)
    throw usageFailure(
      `--image makes the new root itself, and --${fromRoot ? 'image-config' : 'mnt'} names one`,
      'Choose one.',
    );
  const progress = new Progress();
  const { path, isNew, tally, ...chosen } = await imageRoot({
    image: String(image),
    platform: platform === undefined ? hostPlatform() : parsePlatform(String(platform)),
    mapped: mapped === true,
    makes: rehearsed !== true,
    pull: pull as PullPolicy,
    progress,
  }).finally(() => progress.end());
  if (isNew && !quiet) tell(chosen.from, tally);
  const ephemeral = overlay === undefined ? true : undefined;
  return {
    values: { ...values, options: { ...values.options, ...defined({ mnt: path, ephemeral }) } },
    image: chosen,
  };
}

/** Says what was unpacked, and what could not be kept. */
function tell(from: string, tally: Tally | undefined): void {
  const contents = tally === undefined ? '' : `: ${tally.contents}`;
  for (const line of [`Unpacked ${from}${contents}.`, tally?.losses])
    if (line !== undefined) inform(`${shownText(line)}\n`);
}

/** What is kept beside a root that was imported or pulled. */
function imageOf(mnt: Values['options'][string]): ChosenImage {
  if (mnt === undefined) throw usageFailure('--image-config needs --mnt=DIR, a new root', 'Add --mnt=DIR.');
  const { from, image } = readRecord(String(mnt)) ?? {};
  if (from !== undefined && image !== undefined) return { from, defaults: image };
  throw usageFailure(
    `Nothing says that ${mnt} was made from an image`,
    'gontainer rootfs import and pull write it down beside DIR; leave out --image-config.',
  );
}
