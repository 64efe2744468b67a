/** The list of steps, in the order in which they are done. */
import type { LaunchSpec } from '../spec.js';
import type { Describable, Step } from '../step.js';
import { capabilitiesStep } from './capabilities.js';
import { asPid1Step, commandStep, execStep } from './command.js';
import type { CommandContext } from './command-context.js';
import { controlGroupStep, enterGroupStep } from './control-group.js';
import { devStep } from './dev.js';
import { devptsStep } from './devpts.js';
import { fileOwnerStep } from './file-owner.js';
import { childStep, clockOffsetsStep, idMapsStep, type ParentContext, unshareStep } from './hand-over.js';
import { hostnameStep } from './hostname.js';
import { loopbackStep } from './loopback.js';
import { masksStep } from './masks.js';
import { mountPointsStep } from './mount-points.js';
import { namesStep } from './names.js';
import { overlayStep } from './overlay.js';
import { procStep } from './proc.js';
import { propagationStep } from './propagation.js';
import { ptyStep } from './pty.js';
import { readOnlyStep } from './read-only.js';
import { requestedMountsStep } from './requested-mounts.js';
import { bindRootStep, chrootStep, detachOldRootStep, pivotRootStep } from './root.js';
import { serveStep } from './serve.js';
import { sysStep } from './sys.js';
import { systemdScopeStep } from './systemd-scope.js';
import { workingDirectoryStep } from './working-directory.js';

const parentSteps: readonly Step<ParentContext>[] = [
  systemdScopeStep,
  controlGroupStep,
  unshareStep,
  idMapsStep,
  clockOffsetsStep,
  childStep,
];

const childSteps: readonly Step<CommandContext>[] = [
  propagationStep,
  hostnameStep,
  fileOwnerStep,
  bindRootStep,
  overlayStep,
  chrootStep,
  mountPointsStep,
  readOnlyStep,
  procStep,
  sysStep,
  masksStep,
  devStep,
  devptsStep,
  namesStep,
  requestedMountsStep,
  pivotRootStep,
  detachOldRootStep,
  workingDirectoryStep,
  loopbackStep,
  ptyStep,
  capabilitiesStep,
  commandStep,
  asPid1Step,
  enterGroupStep,
  execStep,
  serveStep,
];

/** The parent's part of a launch. */
export const parentStepsOf = (spec: LaunchSpec): Step<ParentContext>[] =>
  parentSteps.filter(({ applies }) => applies(spec));

/** The child's part. */
export const childStepsOf = (spec: LaunchSpec): Step<CommandContext>[] =>
  childSteps.filter(({ applies }) => applies(spec));

/** A step and its number, counted from 1 through both stages. */
export interface NumberedStep {
  readonly number: number;
  readonly step: Describable;
}

/** Every step by its id. */
export const numberedSteps = (spec: LaunchSpec): Map<string, NumberedStep> =>
  new Map(
    [...parentStepsOf(spec), ...childStepsOf(spec)].map((step, index) => [
      step.id,
      { number: index + 1, step },
    ]),
  );
