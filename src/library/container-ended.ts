import { Failure } from '../common/failure.js';

/** The container has ended, and the command with it, or before it could be started. `cause` says why, where that is known. */
export class ContainerEnded extends Failure {}
