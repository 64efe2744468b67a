/** What `import … from 'gontainer'` gives: docs/library.md. */
export type { Change, ChangeList, Unread } from '../common/change-list.js';
export { Failure } from '../common/failure.js';
export { KernelError, type KernelErrorData } from '../common/kernel/kernel-error.js';
export type {
  Box,
  Command,
  CommandEnded,
  CommandLimitOptions,
  CommandOptions,
  CommandStream,
  CommandStreams,
  ExecOptions,
  ExecResult,
  OpenOptions,
  SpawnOptions,
} from './box.js';
export type { EnvironmentOption } from './command-environment.js';
export type {
  AskedCall,
  CallDecision,
  Container,
  ContainerSignal,
  Ended,
  EndReason,
  LaunchOptions,
  StandardStream,
  StandardStreams,
  Started,
  Window,
} from './container.js';
export { ContainerEnded } from './container-ended.js';
export type { RunOptions } from './launch-options.js';
export { open } from './open.js';
export type * from './records.js';
export { type Sandbox, type SandboxOptions, sandbox } from './sandbox.js';
export { launch } from './start-launcher.js';
