/**
 * Runs inside a machine, with nothing but Node: what the doctor says there, and whether each kind of launch works. Prints
 * one JSON object. After the program's file may stand the names of the launches that are to be tried, instead of all.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { availableParallelism, release } from 'node:os';
import { join } from 'node:path';

const [program = '', ...only] = process.argv.slice(2);
const home = `/tmp/probe-${process.geteuid?.()}`;
mkdirSync(home, { recursive: true });
const env = { ...process.env, HOME: home, XDG_RUNTIME_DIR: home, XDG_DATA_HOME: home, XDG_STATE_HOME: home };
delete env.NODE_EXTRA_CA_CERTS;

/**
 * @param {readonly string[]} words
 * @returns {Promise<{ status: number | null, stdout: string, said: string }>}
 */
const gontainer = (...words) =>
  new Promise((done) => {
    const options = { cwd: '/', env, timeout: 300_000, maxBuffer: 2 ** 24 };
    const started = execFile(process.execPath, [program, ...words], options, (_error, stdout, stderr) =>
      done({ status: started.exitCode, stdout, said: stderr.trim() }),
    );
    started.stdin?.end();
  });

const rootfs = join(home, 'rootfs');
await gontainer('rootfs', 'create', rootfs);

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
  limits: ['--uid', '--memory', '64m', '--pids-limit', '20', '--cpus', '0.5'],
};

/** @param {string} name @param {readonly string[]} options */
const launched = async (name, options) => {
  const log = join(home, `${name}.ndjson`);
  const { status, said } = await gontainer('run', '--quiet', '--log-file', log, ...options, '--', 'true');
  return {
    status,
    said,
    boundProc: status === 0 && readFileSync(log, 'utf8').includes('gives no new /proc'),
  };
};

/** Start in the background, enter, end. */
const detached = async () => {
  for (const words of [
    ['run', '--quiet', '--uid', '--detach', '--name', 'probe', '--', 'sleep', '300'],
    ['enter', '--quiet', 'probe', '--', 'true'],
    ['kill', 'probe'],
  ]) {
    const { status, said } = await gontainer(...words);
    if (status !== 0) return { status, said, boundProc: false };
  }
  return { status: 0, said: '', boundProc: false };
};

const tries = Object.entries({
  ...Object.fromEntries(
    Object.entries(launches).map(([name, options]) => [name, () => launched(name, options)]),
  ),
  detach: detached,
}).filter(([name]) => only.length === 0 || only.includes(name));

/** @type {Record<string, unknown>} */
const results = {};
const doctor = await gontainer('doctor', '--json');
/** As many at a time as there are processors. */
const waiting = tries[Symbol.iterator]();
await Promise.all(
  Array.from({ length: availableParallelism() }, async () => {
    for (const [name, attempt] of waiting) results[name] = await attempt();
  }),
);
console.log(
  JSON.stringify({
    kernel: release(),
    libc: process.report.getReport().header.glibcVersionRuntime ?? 'none',
    processor: process.arch,
    doctor: JSON.parse(doctor.stdout || '[]'),
    doctorSaid: doctor.said,
    launches: results,
  }),
);
