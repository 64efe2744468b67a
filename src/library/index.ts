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
export type { RunOptions } from './launch-options.js';
export type * from './records.js';
export { launch } from './start-launcher.js';
