/**
 * The launcher's hold of the layers of a container's overlays: what was changed in memory has no path on the host, and is
 * reached by these descriptors as long as the launcher lives.
 */
import { closeSync } from 'node:fs';
import { defined } from '../../common/defined.js';
import type { Kernel } from '../../common/kernel/kernel.js';
import { type LaunchSpec, unshares } from '../../common/spec.js';
import { isOverlay } from '../../common/steps/bound-overlay.js';
import { overlayStep } from '../../common/steps/overlay.js';
import type { OpenLayers } from '../../common/steps/overlay-layers.js';
import { requestedMountsStep } from '../../common/steps/requested-mounts.js';
import type { HeldOverlay } from '../changes/layers.js';

export class HeldLayers {
  private readonly taken: Pick<HeldOverlay, 'target' | 'upper' | 'lower'>[] = [];

  constructor(
    private readonly spec: LaunchSpec,
    private readonly kernel: Kernel,
  ) {}

  /**
   * Opens them by the child's descriptors. The child waits, and nobody else is in the container yet.
   * @throws KernelError
   */
  take(child: number, { target, upper, lower }: OpenLayers): void {
    this.kernel.step = target === '/' ? overlayStep.id : requestedMountsStep.id;
    const open = (descriptor: number): number =>
      this.kernel.call('open', {
        pathname: `/proc/${child}/fd/${descriptor}`,
        flags: ['O_PATH', 'O_CLOEXEC'],
        mode: 0,
      });
    this.taken.push({ target, upper: open(upper), lower: open(lower) });
  }

  /** @param made what the launch has made in the root to mount something on */
  overlays(made: readonly string[]): HeldOverlay[] {
    const mounts = this.spec.root?.mounts ?? [];
    const keptIn = new Map(mounts.filter(isOverlay).map(({ target, overlay }) => [target, overlay.keptIn]));
    return this.taken.map((layers) => ({
      ...layers,
      ...defined({ keptIn: keptIn.get(layers.target) ?? this.keptOfRoot(layers.target) }),
      marks: unshares(this.spec, 'uid') ? 'user' : 'trusted',
      made: [...made, ...mounts.map(({ target }) => target)],
    }));
  }

  private keptOfRoot(target: string): string | undefined {
    return target === '/' ? (this.spec.root?.overlay?.keptIn ?? undefined) : undefined;
  }

  release(): void {
    for (const { upper, lower } of this.taken.splice(0)) {
      closeSync(upper);
      closeSync(lower);
    }
  }
}
