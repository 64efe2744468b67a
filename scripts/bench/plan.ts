/** What the bench is to measure, and what it found. */
import type { Commands } from './commands.js';
import type { ComparedCalls } from './kernel-calls.js';
import type { Memory } from './memory.js';
import type { Pulled } from './pulling.js';
import type { Result } from './turns.js';
import type { AtSize, Throughput } from './under-load.js';
import type { Unpacked } from './unpacking.js';

/** The parts of the bench, which --only chooses from. */
export const parts = [
  'start',
  'memory',
  'calls',
  'throughput',
  'mounts',
  'containers',
  'images',
  'pull',
  'exec',
] as const;
export type Part = (typeof parts)[number];

export interface Plan {
  readonly program: string;
  /** Another version of it, which takes turns with it in the part `start`. */
  readonly before?: string | undefined;
  readonly nodes: readonly { readonly version: string; readonly binary: string }[];
  readonly rounds: number;
  readonly parts: readonly Part[];
}

export interface Findings {
  readonly nodes: readonly {
    readonly version: string;
    readonly start?: readonly Result[];
    readonly memory?: Memory;
    readonly calls?: ComparedCalls & { readonly ratios: Readonly<Record<string, number>> };
    readonly throughput?: readonly Throughput[];
    readonly mounts?: readonly AtSize[];
    readonly containers?: readonly AtSize[];
    readonly images?: readonly Unpacked[];
    readonly pull?: readonly Pulled[];
    readonly exec?: readonly Commands[];
  }[];
  readonly others?: readonly Result[];
}
