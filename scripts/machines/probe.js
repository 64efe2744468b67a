/**
 * Runs inside a machine, with nothing but Node: what the doctor says there, and whether each kind of launch works. Prints
 * one JSON object.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';

const [program = '', lessons = ''] = process.argv.slice(2);
const home = `/tmp/probe-${process.geteuid?.()}`;
mkdirSync(home, { recursive: true });
const env = { ...process.env, HOME: home, XDG_RUNTIME_DIR: home, XDG_DATA_HOME: home, XDG_STATE_HOME: home };
delete env.NODE_EXTRA_CA_CERTS;

/** @param {readonly string[]} words */
const gontainer = (...words) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...words], {
    cwd: '/',
    encoding: 'utf8',
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 300_000,
  });
  return { status, stdout, said: stderr.trim() };
};

const rootfs = join(home, 'rootfs');
gontainer('rootfs', 'create', rootfs);

/** The options of each launch, by the doctor’s line that is about it; `namespace-` is left out. */
const launches = {
  uid: ['--uid'],
  mnt: ['--uid', '--mnt', rootfs],
  uts: ['--uid', '--uts'],
  ipc: ['--uid', '--ipc'],
  net: ['--uid', '--net'],
  pid: ['--uid', '--pid'],
  cgroup: ['--uid', '--cgroup'],
  time: ['--uid', '--time', '--boottime', '1000'],
  launch: ['--uid', '--pid', '--uts'],
  overlay: ['--uid', '--mnt', rootfs, '--ephemeral'],
  pty: ['--uid', '--pty'],
  'subordinate-ids': ['--uid', '--map-auto'],
};

/** @param {readonly string[]} options */
const launched = (options) => {
  const log = join(home, 'log.ndjson');
  const { status, said } = gontainer('run', '--quiet', '--log-file', log, ...options, '--', 'true');
  return {
    status,
    said,
    boundProc: status === 0 && readFileSync(log, 'utf8').includes('gives no new /proc'),
  };
};

/** Start in the background, enter, end. */
const detached = () => {
  const ran = [
    gontainer('run', '--quiet', '--uid', '--detach', '--name', 'probe', '--', 'sleep', '300'),
    gontainer('enter', '--quiet', 'probe', '--', 'true'),
    gontainer('kill', 'probe'),
  ];
  const failed = ran.find(({ status }) => status !== 0);
  return { status: failed?.status ?? 0, said: failed?.said ?? '', boundProc: false };
};

const doctor = gontainer('doctor', '--json');
const learned = lessons === '' ? undefined : gontainer('lesson', ...lessons.split(' '), '--auto');
console.log(
  JSON.stringify({
    kernel: release(),
    libc: process.report.getReport().header.glibcVersionRuntime ?? 'none',
    processor: process.arch,
    doctor: JSON.parse(doctor.stdout || '[]'),
    doctorSaid: doctor.said,
    launches: {
      ...Object.fromEntries(Object.entries(launches).map(([name, options]) => [name, launched(options)])),
      detach: detached(),
    },
    lessons: learned && { status: learned.status, last: learned.stdout.trim().split('\n').at(-1) },
  }),
);
