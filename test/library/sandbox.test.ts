/** sandbox(): what an attacker inside tries, and what is left of it afterwards. */
import assert from 'node:assert/strict';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { own } from '../common/steps/root-file-systems.js';
import { folder, lacking, run, type User, users } from '../gontainer.js';
import { snapshot } from '../parent/images/snapshot.js';
import { shown } from './consumer.js';

/** A project with hooks that are not to be changed, and a folder of keys that is not to be seen. */
function scene(user: User): { project: string; keys: string } {
  const home = folder(user);
  const [project, keys] = [join(home, 'project'), join(home, 'keys')];
  mkdirSync(join(project, '.git/hooks'), { recursive: true });
  mkdirSync(keys);
  writeFileSync(join(project, '.git/hooks/pre-commit'), 'old\n');
  writeFileSync(join(project, '.env'), 'secret\n');
  writeFileSync(join(project, 'a:b'), 'secret\n');
  writeFileSync(join(keys, 'id'), 'secret\n');
  own(home, user);
  return { project, keys };
}

const imported = `import { launch, sandbox } from 'gontainer';
  const run = async (box, script) => {
    const container = launch({ ...box, command: ['sh', '-c', script], stdio: ['ignore', 'pipe', 'pipe'] });
    const [stdout, stderr] = await Promise.all([container.stdout, container.stderr].map(async (stream) => (await stream.setEncoding('utf8').toArray()).join('')));
    await container.ended;
    return { stdout, stderr };
  };\n`;

/** Every way that the text says the file is reached by, and what it tries to leave in its place. */
const attempts = (project: string): string[] => [
  `echo evil >${project}/.git/hooks/pre-commit`,
  `echo evil >${project}/.git/hooks/new`,
  `rm -rf ${project}/.git/hooks`,
  `mv ${project}/.git/hooks ${project}/.git/old`,
  `mv ${project}/.git ${project}/old && mkdir -p ${project}/.git/hooks && echo evil >${project}/.git/hooks/pre-commit`,
  `mv ${project} ${project}2`,
  `ln ${project}/.git/hooks/pre-commit ${project}/other && echo evil >${project}/other`,
  `ln -sfn /tmp ${project}/.git/hooks`,
  `echo evil >/proc/self/root${project}/.git/hooks/pre-commit`,
  `echo evil >/proc/1/root${project}/.git/hooks/pre-commit`,
  `mount -o remount,rw,bind ${project}/.git/hooks && echo evil >${project}/.git/hooks/pre-commit`,
  `umount -l ${project}/.git/hooks && echo evil >${project}/.git/hooks/pre-commit`,
  `unshare -Urm sh -c 'mount -o remount,rw,bind ${project}/.git/hooks; umount -l ${project}/.git/hooks; mkdir -p /tmp/m; mount --bind ${project}/.git /tmp/m; echo evil >${project}/.git/hooks/pre-commit; echo evil >/tmp/m/hooks/pre-commit'`,
];

for (const user of users) {
  const options = { skip: user.skip || lacking('unshare', 'mount') };
  const title = (text: string): string => `${user.name}: ${text}`;

  test(
    title('a writable folder is written to, and nothing that is denied in it or beside it is'),
    options,
    async () => {
      const { project, keys } = scene(user);
      const script = [
        `echo ok >${project}/made`,
        ...attempts(project),
        `echo no >${keys}/../beside`,
        `cat ${keys}/id`,
        `umount -l ${keys}; cat ${keys}/id`,
        `unshare -Urm sh -c 'umount -l ${keys}; cat ${keys}/id'`,
        `cat /proc/1/root${keys}/id`,
        'echo end',
      ].join('; ');
      const hooks = join(project, '.git/hooks');
      const code = `${imported}
      const box = sandbox(${JSON.stringify({ write: [project], read: [hooks], hide: [keys] })});
      console.log((await run(box, ${JSON.stringify(script)})).stdout);`;
      const output = await shown(code, user);
      assert.equal(output, 'end');
      assert.equal(readFileSync(join(project, 'made'), 'utf8'), 'ok\n');
      assert.deepEqual(readdirSync(join(project, '.git/hooks')), ['pre-commit']);
      assert.equal(readFileSync(join(project, '.git/hooks/pre-commit'), 'utf8'), 'old\n');
      assert.deepEqual(readdirSync(project).sort(), ['.env', '.git', 'a:b', 'made']);
      assert.deepEqual(readdirSync(join(project, '.git')), ['hooks']);
      assert.deepEqual(readdirSync(keys), ['id']);
      assert.equal(existsSync(join(project, '../beside')), false);
    },
  );

  test(title('the same attempts succeed where nothing is denied'), options, async () => {
    for (const attempt of attempts('$P')) {
      const { project } = scene(user);
      const before = snapshot(project);
      // Without a mount there is none to take away, the folder itself is a mount, and the init hides from everybody.
      if (/umount|remount|proc\/1|mv \$P \$P2/.test(attempt)) continue;
      const code = `${imported}
        await run(sandbox({ write: [${JSON.stringify(project)}] }), ${JSON.stringify(attempt.replaceAll('$P', project))});`;
      await shown(code, user);
      assert.notDeepEqual(snapshot(project), before, attempt);
    }
  });

  test(title('the same holds for each command of an open container'), options, async () => {
    const { project, keys } = scene(user);
    const hooks = join(project, '.git/hooks');
    const code = `import { open, sandbox } from 'gontainer';
      const box = await open(sandbox(${JSON.stringify({ write: [project], read: [hooks], hide: [keys] })}));
      for (const script of ${JSON.stringify([...attempts(project), `cat ${keys}/id`])})
        process.stdout.write(String((await box.exec(['sh', '-c', script])).stdout));
      await box.close();`;
    assert.equal(await shown(code, user), '');
    assert.deepEqual(readdirSync(hooks), ['pre-commit']);
    assert.equal(readFileSync(join(hooks, 'pre-commit'), 'utf8'), 'old\n');
    assert.deepEqual(readdirSync(project).sort(), ['.env', '.git', 'a:b']);
  });

  test(
    title('a hidden file is empty, also one with a colon in its name, and a deeper rule takes precedence'),
    options,
    async () => {
      const { project, keys } = scene(user);
      const before = snapshot(project);
      const code = `${imported}
      const project = ${JSON.stringify(project)};
      const box = sandbox({ hide: [project + '/.env', project + '/a:b', ${JSON.stringify(join(keys, '..'))}], read: [project], write: [project + '/.git'] });
      console.log((await run(box, 'cd ' + project + '; cat .env a:b; ls ..; cat .git/hooks/pre-commit; echo new >.git/new; echo no >no; echo no >../no; ls /run; ls -A /tmp | head -1')).stdout);`;
      const lines = (await shown(code, user)).split('\n');
      assert.deepEqual(lines.slice(0, 2), ['project', 'old']);
      assert.equal(readFileSync(join(project, '.git/new'), 'utf8'), 'new\n');
      assert.deepEqual({ ...before, '.git/new': '' }, { ...snapshot(project), '.git/new': '' });
      assert.deepEqual(readdirSync(join(keys, '..')).sort(), ['keys', 'project']);
    },
  );

  test(title('a path leads where the kernel finds it, also through .. behind a link'), options, async () => {
    const home = folder(user);
    mkdirSync(join(home, 'other/deep'), { recursive: true });
    for (const name of ['hidden', 'beside']) {
      writeFileSync(join(home, name), 'shown\n');
      writeFileSync(join(home, 'other', name), 'secret\n');
    }
    mkdirSync(join(home, 'kept'));
    mkdirSync(join(home, 'other/kept'));
    symlinkSync('other/deep', join(home, 'd'));
    for (const name of ['hidden', 'kept']) symlinkSync(`d/../${name}`, join(home, `to-${name}`));
    own(home, user);
    const code = `${imported}
      const home = ${JSON.stringify(home)};
      const box = sandbox({ read: [home], hide: [home + '/to-hidden', home + '/d/../beside'], write: [home + '/to-kept'] });
      console.log((await run(box, 'cd ' + home + '; cat hidden beside other/hidden other/beside; echo made >kept/made; echo made >other/kept/made')).stdout);
      try { sandbox({ hide: [home + '/none/../beside'] }); console.log('taken'); } catch ({ status, message }) { console.log(status, message.replace(home, 'H')); }`;
    assert.deepEqual((await shown(code, user)).split('\n'), [
      'shown',
      'shown',
      '',
      '2 H/none/../beside leads over what does not exist',
    ]);
    assert.deepEqual(
      ['kept', 'other/kept'].map((name) => readdirSync(join(home, name))),
      [[], ['made']],
    );
  });

  test(title('what does not exist is no failure, leaves nothing, and is named'), options, async () => {
    const { project } = scene(user);
    const before = snapshot(project);
    const code = `${imported}
      const project = ${JSON.stringify(project)};
      const box = sandbox({ write: [project], read: [project + '/none/deep'], hide: ['/nowhere', project + '/.env/x', project + '/none/other', project + '/.npmrc'] });
      console.log(JSON.stringify(box.missing), Object.keys(box).includes('missing'));
      console.log((await run(box, 'echo ran')).stdout);`;
    const [missing, ran] = (await shown(code, user)).split('\n');
    assert.equal(
      missing,
      `${JSON.stringify([`${project}/none/deep`, '/nowhere', `${project}/.env/x`, `${project}/none/other`, `${project}/.npmrc`])} false`,
    );
    assert.equal(ran, 'ran');
    assert.deepEqual(snapshot(project), before);
  });

  test(
    title('what does not exist in a writable folder cannot be made, and nothing is left of it'),
    options,
    async () => {
      const { project } = scene(user);
      const making = (...paths: string[]) =>
        paths.flatMap((path) => [
          `echo evil >${path}`,
          `mkdir -p ${path}/deep; echo evil >${path}/deep/file`,
          `rm -rf ${path}; echo evil >${path}`,
          `mv ${path} ${path}2; echo evil >${path}`,
          `mkdir made; echo evil >made/file; mv -T made ${path}; ln -sfn made ${path}; ln -f made/file ${path}`,
          `umount -l ${path}; echo evil >${path}`,
          `unshare -Urm sh -c 'umount -l ${path}; rm -f ${path}; echo evil >${path}'`,
        ]);
      const above = [
        'mv sub sub2; mkdir sub; echo evil >sub/new',
        'mv .env x; rm -f .env; mkdir .env; echo evil >.env/x',
      ];
      const script = [
        `cd ${project}; mkdir other`,
        ...making('.npmrc', 'none', 'sub/new'),
        ...above,
        'rm -rf made other; echo end; echo changed >.env',
      ].join('; ');
      mkdirSync(join(project, 'sub'));
      own(join(project, 'sub'), user);
      const before = snapshot(project);
      const code = `${imported}
      const project = ${JSON.stringify(project)};
      const box = sandbox({ write: [project], hide: [project + '/.npmrc', project + '/none/deep/file'], read: [project + '/sub/new', project + '/.env/x'] });
      const { stdout, stderr } = await run(box, ${JSON.stringify(script)});
      console.log(stdout || stderr);`;
      assert.equal(await shown(code, user), 'end');
      // What is not denied may be changed: a file below which something is denied, too.
      assert.deepEqual({ ...before, '.env': '' }, { ...snapshot(project), '.env': '' });
      assert.equal(readFileSync(join(project, '.env'), 'utf8'), 'changed\n');
    },
  );

  test(
    title('the last of several sandboxes leaves nothing, and the first takes nothing from the others'),
    options,
    async () => {
      const { project } = scene(user);
      const before = snapshot(project);
      const code = `import { open, sandbox } from 'gontainer';
      import { existsSync } from 'node:fs';
      const [project, place] = ${JSON.stringify([project, join(project, '.npmrc')])};
      const given = () => sandbox({ write: [project], hide: [place] });
      const boxes = [await open(given()), await open(given()), await open(given())];
      const tries = async () => { for (const box of boxes) if (!box.over) await box.exec(['sh', '-c', 'rm -f ' + place + '; echo evil >' + place]); };
      const all = [];
      for (const one of boxes) { await tries(); all.push(existsSync(place)); await one.close(); one.over = true; }
      console.log(all.join(' '), existsSync(place));
      // One whose launcher is killed leaves it to the next.
      const box = await open(given());
      process.kill(Number((await import('node:fs')).readFileSync('/proc/' + box.pid + '/status', 'utf8').match(/PPid:\\t(\\d+)/)[1]), 'SIGKILL');
      await box.ended.catch(() => {});
      console.log(existsSync(place));
      const next = await open(given());
      await next.close();
      console.log(existsSync(place));`;
      assert.equal(await shown(code, user), 'true true true false\ntrue\nfalse');
      assert.deepEqual(snapshot(project), before);
    },
  );

  test(title('what cannot be promised throws'), options, async () => {
    const { project, keys } = scene(user);
    symlinkSync(keys, join(project, 'link'));
    mkdirSync(join(project, 'locked'), { mode: 0o000 });
    own(join(project, 'locked'), user);
    linkSync(join(keys, 'id'), join(project, 'hard'));
    const code = `${imported}
      const project = ${JSON.stringify(project)};
      for (const options of [
        { write: [project], hide: [project + '/link'] },
        { write: [project], hide: [project + '/link/id'] },
        { write: [project], hide: [project + '/hard'] },
        { write: [project + '/none'] },
        { write: ['/'] },
        { write: [project], read: [project] },
        { wirte: [project] },
        { write: project },
        ...(process.getuid() === 0 ? [] : [{ write: [project], hide: [project + '/locked/keys'] }]),
      ]) try { sandbox(options); console.log('taken', options); } catch ({ status, message }) { console.log(status, message.replaceAll(project, 'P')); }`;
    const lines = (await shown(code, user)).split('\n');
    for (const [index, sentence] of [
      /^2 P\/link is a symbolic link in a folder that the command may write to/,
      /^2 P\/link is a symbolic link/,
      /^2 P\/hard has 2 names/,
      /^2 write of sandbox\(\) names P\/none, which does not exist/,
      /^2 write of sandbox\(\) cannot be \//,
      /^2 sandbox\(\) has two rules for P/,
      /^2 sandbox\(\) has no option wirte/,
      /^2 option write of sandbox\(\) cannot be/,
      ...(user.uid === 0
        ? []
        : [/^2 P\/locked\/keys is denied, but nobody can say what is there: permission denied/]),
    ].entries())
      assert.match(lines[index] ?? '', sentence);
  });

  test(title('the command line does the same'), options, async () => {
    const { project, keys } = scene(user);
    const code = `${imported}
      console.log(sandbox({ write: [${JSON.stringify(project)}], hide: [${JSON.stringify(keys)}], read: [${JSON.stringify(join(project, 'a:b'))}] }).commandLine);`;
    const line = await shown(code, user);
    assert.match(line, /^gontainer run --uid /);
    const words = line.match(/'[^']*'|\S+/g)?.map((word) => word.replace(/^'|'$/g, '')) ?? [];
    const script = `echo made >${project}/made; echo no >${project}/a:b; ls ${keys}; cat /proc/net/dev | grep -c :`;
    const { stdout, stderr } = await run([...words.slice(1), '--quiet', '--', 'sh', '-c', script], { user });
    assert.equal(stdout, '1\n', stderr);
    assert.equal(readFileSync(join(project, 'made'), 'utf8'), 'made\n');
    assert.equal(readFileSync(join(project, 'a:b'), 'utf8'), 'secret\n');
  });
}
