/** How `npm run test:machines` judges what a machine's probe found. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  commandsIn,
  type Probed,
  unexpected,
  unsaid,
  untruths,
  wrongLessons,
} from '../../scripts/machines/probed.js';

const works = { status: 0, said: '', boundProc: false };
const fails = { status: 125, said: 'gontainer: step unshare: it takes Linux 5.11', boundProc: false };

function probed(launches: Probed['launches'], doctor: Probed['doctor']): Probed {
  return { kernel: '', libc: '', processor: '', doctorSaid: '', launches, doctor };
}

const line = (id: string, state: 'ok' | 'warning', fix = '') => ({ id, state, found: '', fix });

test('a doctor that calls ok what fails, or warns of what works, is not right', () => {
  const lines = [line('namespace-uid', 'ok'), line('pty', 'warning'), line('proc', 'ok')];
  assert.deepEqual(untruths(probed({ uid: works, pty: fails }, lines)), []);
  assert.match(
    String(untruths(probed({ uid: fails, pty: fails }, lines))),
    /^the doctor calls namespace-uid ok/,
  );
  assert.match(String(untruths(probed({ uid: works, pty: works }, lines))), /^the doctor calls pty warning/);
  assert.match(String(untruths(probed({ pid: { ...works, boundProc: true } }, lines))), /calls proc ok/);
  assert.match(String(untruths(probed({}, []))), /printed no list/);
});

test('a launch that comes otherwise than a machine’s data say is named', () => {
  const result = probed({ uid: works, pty: fails }, []);
  assert.deepEqual(unexpected(result, ['pty'], false), []);
  assert.equal(unexpected(result, ['uid', 'pty'], false).length, 1);
  assert.equal(unexpected(result, [], false).length, 1);
});

test('what a machine’s data say of a message is looked for in that of the launch that fails', () => {
  const result = probed({ uid: works, pty: fails }, [line('kernel', 'warning', 'Use Linux 5.11.')]);
  assert.deepEqual(unsaid(result, { uid: 'never', pty: 'Linux 5.11', 'doctor: kernel': 'Linux 5.11' }), []);
  assert.equal(unsaid(result, { pty: 'Linux 5.12', 'doctor: kernel': 'Linux 5.12' }).length, 2);
});

test('of a fix the command that lasts is pasted', () => {
  const lasting = "printf '%s\\n' 'abi <abi/4.0>,' | sudo tee /etc/apparmor.d/x";
  const lines = [
    line(
      'switches',
      'warning',
      `Allow them with: sudo sysctl a=0; or, for this Node alone and for good: ${lasting}`,
    ),
    line('subordinate-ids', 'warning', 'Run: sudo usermod root'),
    line('limits', 'ok', 'Run: true'),
    line('seccomp', 'warning', 'start the container with --security-opt seccomp=unconfined'),
  ];
  assert.deepEqual(commandsIn(probed({}, lines), ['switches', 'limits', 'seccomp']), [lasting]);
  assert.deepEqual(commandsIn(probed({}, lines), ['subordinate-ids']), ['sudo usermod root']);
});

test('a lesson that is untrue though the machine’s data say nothing of it is named, and so is one that should be untrue', () => {
  const printed = [
    'true     1 processes: 12 commands, 3.8 s',
    'untrue   12 node: docs/lessons/12-node.md:163: $ sh launch',
    '  expected:',
    '    box',
    'skipped  15 limits: no control group can be made',
    '1 lessons are true here, 1 untrue, 1 skipped',
  ].join('\n');
  assert.deepEqual(wrongLessons(printed, [12]), []);
  // For whom it is skipped, it cannot be untrue.
  assert.deepEqual(wrongLessons(printed, [12, 15]), []);
  assert.match(String(wrongLessons(printed, [])), /^untrue {3}12 node.*launch\n {2}expected:\n {4}box$/);
  assert.match(String(wrongLessons(printed, [1, 12])), /^true {5}1 processes: .*should be untrue/);
  assert.match(String(wrongLessons('', [])), /ended with: nothing/);
});
