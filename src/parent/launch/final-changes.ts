/** Telling the program that started gontainer, over the descriptor of --changes-fd, what was changed in the overlays. */
import { usageFailure } from '../../common/failure.js';
import { inform } from '../../common/print.js';
import type { LaunchSpec } from '../../common/spec.js';
import { isOverlay } from '../../common/steps/bound-overlay.js';
import { type HeldOverlay, reached } from '../changes/layers.js';
import { listChanges } from '../changes/list-changes.js';
import { checkDescriptor } from '../command-line/descriptor-option.js';

export class FinalChanges {
  /** @throws Failure (status 2) where the caller has opened no such descriptor, or there is no overlay */
  constructor(
    private readonly descriptor: number,
    { root }: Pick<LaunchSpec, 'root'>,
  ) {
    checkDescriptor('changes-fd', descriptor);
    if (root?.overlay === undefined && !root?.mounts.some(isOverlay))
      throw usageFailure(
        'there is no overlay whose changes could be listed at the end',
        'Add --ephemeral, --overlay CHANGES or --bind SRC:DST:overlay.',
      );
  }

  /** Nothing inside runs any more, and the layers are still open. A reader that went away misses nothing. */
  write(overlays: readonly HeldOverlay[]): void {
    const list = listChanges(overlays.map((overlay) => reached(overlay, 'self')));
    inform(`${JSON.stringify(list)}\n`, this.descriptor);
  }
}
