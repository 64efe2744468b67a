/** What a container uses over its life: looked at often while it is young, and ever less often as it grows old. */
import { sampleReader, type UsageSample } from '../../common/cgroup/usage-sample.js';
import { BoundedSamples } from './bounded-samples.js';

/** Milliseconds between the first samples: a fork bomb is at its limit after a few of them. */
const firstInterval = 10;

export class UsageCurve {
  private readonly samples = new BoundedSamples();
  private readonly read: () => Omit<UsageSample, 'at'>;
  private interval = firstInterval;
  private timer: NodeJS.Timeout | undefined;

  /**
   * Begins to look: the command is about to run.
   * @param paths the groups of the container
   * @param clock microseconds since the launch began
   */
  constructor(
    paths: readonly string[],
    private readonly clock: () => number,
  ) {
    this.read = sampleReader(paths);
    this.take();
    this.wait();
  }

  /**
   * The command has ended, and the groups are still there.
   * @returns all samples, in the order of time
   */
  end(): readonly UsageSample[] {
    if (this.timer !== undefined) {
      clearInterval(this.timer);
      this.timer = undefined;
      this.take();
    }
    return this.samples.all();
  }

  private wait(): void {
    this.timer = setInterval(() => {
      if (!this.take()) return;
      clearInterval(this.timer);
      this.interval *= 2;
      this.wait();
    }, this.interval);
    // The launch waits for its command, and not for this.
    this.timer.unref();
  }

  /** @returns whether the next ones are to come half as often */
  private take(): boolean {
    const now = this.read();
    if (Object.keys(now).length === 0) return false;
    return this.samples.add({ at: Math.round(this.clock()), ...now });
  }
}
