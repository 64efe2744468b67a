/** --watch: what is watched, and whether this kernel lets us. */
import { Failure, usageFailure } from '../../common/failure.js';
import { watchSupport } from '../../common/kernel/listener.js';
import type { Watch } from '../../common/spec.js';
import { type WatchKind, watchKinds } from '../../common/watch/watched-calls.js';
import { withLine } from '../advice/doctor-lines.js';
import type { Values } from '../command-line/subcommand.js';

/**
 * @throws Failure with status 2 for kinds that there are not, and beside --allow-new-privs; 125 where this kernel, or a
 *   filter around this process, does not allow it
 */
export function watchOf(options: Values['options']): Watch | undefined {
  if (options.watch === undefined) return undefined;
  const words = String(options.watch).split(',');
  const wrong = words.find((word) => word !== 'all' && !watchKinds.includes(word as WatchKind));
  if (wrong !== undefined)
    throw usageFailure(`--watch knows no “${wrong}”`, `Name some of ${watchKinds.join(', ')}, or all.`);
  if (options['allow-new-privs'])
    throw usageFailure(
      '--watch needs that no program gets privileges (PR_SET_NO_NEW_PRIVS), and --allow-new-privs lets them',
      'Choose one.',
    );
  const kinds = words.includes('all') ? watchKinds : watchKinds.filter((kind) => words.includes(kind));
  const support = watchSupport();
  if (support.possible) return { kinds, killable: support.killable };
  throw support.errno === 'EPERM'
    ? new Failure('a seccomp filter around this process does not let it install one of its own (EPERM)', {
        next: withLine(
          'In a container, --watch needs --security-opt seccomp=unconfined there; or run gontainer on the host',
          'seccomp',
        ),
      })
    : new Failure('this kernel cannot tell a launcher of system calls: SECCOMP_RET_USER_NOTIF is not there', {
        next: withLine('--watch needs Linux 5.11 or later with CONFIG_SECCOMP_FILTER', 'kernel'),
      });
}
