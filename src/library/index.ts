/** What `import … from 'gontainer'` gives: docs/library.md. */
export { Failure } from '../common/failure.js';
export { KernelError, type KernelErrorData } from '../common/kernel/kernel-error.js';
export type {
  Container,
  ContainerSignal,
  Ended,
  LaunchOptions,
  StandardStream,
  StandardStreams,
  Started,
} from './container.js';
export { launch } from './launch.js';
export type * from './records.js';
export type { RunOptions } from './run-options.js';
