// `make dev`: what it prints of mails, and how it ends.
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ENV, Local } from './local.mjs';
import { printed, Project, root } from './support.mjs';

const LINK = 'http://localhost:8787/account/confirm?kind=reset&id=a&token=b';
const MAILS = '.wrangler/tmp/email';
const ON = 'MAIL=cloudflare\nMAIL_FROM=no-reply@example.com\n';

/** A project whose wrangler runs a script. */
function project(t, wrangler) {
  const here = new Project(t);
  here.write('.dev.vars', `${ON}DATA_KEY=x\n`);
  rmSync(here.path('bin/wrangler'));
  here.write('bin/wrangler', `#!/usr/bin/env node\nconst fs = require('node:fs');\n${wrangler}`);
  chmodSync(here.path('bin/wrangler'), 0o755);
  return here;
}

test('make dev prints the link and the code of each new mail', async (t) => {
  const here = project(t, `
    fs.mkdirSync('${MAILS}/two/email-text', { recursive: true });
    const write = (name, text) => fs.writeFileSync('${MAILS}/two/email-text/' + name, text);
    write('plain.txt', 'Your password was changed.\\n');
    write('reset.txt', 'Open this link:\\n\\n${LINK}\\n\\n123456\\n\\n@localhost #123456');
    write('slow.txt', '');
    setTimeout(() => write('slow.txt', '${LINK}2'), 500);
    setTimeout(() => {}, 60_000);
  `);
  mkdirSync(here.path(`${MAILS}/one/email-text`), { recursive: true });
  here.write(`${MAILS}/one/email-text/old.txt`, LINK);
  const { child, ended } = here.start('dev.mjs');
  await printed(child, /slow\.txt\n/);
  child.kill();
  const { out } = await ended;
  assert.deepEqual(out.split('\n').filter(Boolean).toSorted(), [
    `  code: 123456`, `  link: ${LINK}`, `  link: ${LINK}2`,
    ...['plain', 'reset', 'slow'].map((name) => `Mail: ${MAILS}/two/email-text/${name}.txt`),
  ]);
});

test('make dev ends with wrangler, and wrangler with it', async (t) => {
  const waiting = `
    for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => { console.log('told ' + signal); process.exit(3); });
    console.log('waits'); setTimeout(() => {}, 60_000);
  `;
  for (const signal of ['SIGTERM', 'SIGHUP']) {
    const { child, ended } = project(t, waiting).start('dev.mjs');
    await printed(child, /waits/);
    child.kill(signal);
    const { code, out } = await ended;
    assert.equal(code, 3);
    assert.match(out, new RegExp(`told ${signal}`));
  }
  for (const [wrangler, expected] of [['process.exit(4)', 4], ["process.kill(process.pid, 'SIGKILL')", 137]]) {
    assert.equal((await project(t, wrangler).run('dev.mjs')).code, expected);
  }
});

test('make dev says which settings are missing for mail, where there are none', async (t) => {
  for (const [settings, missing] of [['JWT_SECRET=x\n', true], ['MAIL=none\n', false], [ON, false]]) {
    const here = project(t, 'console.log("served")');
    here.write('.dev.vars', settings);
    const { code, out } = await here.run('dev.mjs');
    assert.equal(code, 0, out);
    assert.match(out, /served/);
    assert.equal(/add these lines.*PUBLIC_URL=http.*MAIL=cloudflare.*MAIL_FROM=/s.test(out), missing, out);
  }
});

test('make dev writes a DATA_KEY where there is none', async (t) => {
  const here = project(t, 'console.log("served")');
  here.write('.dev.vars', 'JWT_SECRET=x');
  const { code, out } = await here.run('dev.mjs');
  assert.equal(code, 0, out);
  const written = here.read('.dev.vars');
  const [, key] = written.match(/^JWT_SECRET=x\n+DATA_KEY=([\w-]{43})\n$/);
  assert.match(out, /DATA_KEY/);
  assert.ok(!out.includes(key), 'the key was shown');
  await here.run('dev.mjs');
  assert.equal(here.read('.dev.vars'), written);
});

test('with the real wrangler, an account is registered, proven and invited to', async (t) => {
  const here = new Local(t);
  here.migrate('SELECT 1;');
  mkdirSync(here.path('build'));
  for (const file of ['index.js', 'index_bg.wasm']) copyFileSync(join(root, 'build', file), here.path(`build/${file}`));
  // Neither the build nor the example service is what is looked at.
  const tables = here.read('wrangler.toml').split(/^(?=\[)/m);
  const rest = tables.filter((table) => !/^\[build\]|^\[\[services\]\]|^\[\[vars\.PROTECTED\]\]/.test(table));
  here.write('wrangler.toml', rest.join(''));
  here.write('.dev.vars', `JWT_SECRET=${'s'.repeat(32)}\nPUBLIC_URL=http://localhost:8787\n${ON}`);
  const invited = await here.operate('invite.mjs', { EMAIL: 'bob@example.com', YES: '1' });
  assert.equal(invited.code, 0, invited.out);

  const { child, ended } = here.start('dev.mjs', { env: ENV, args: ['--port', '0', '--inspector-port', '0'] });
  t.after(() => child.kill());
  const [, origin] = await printed(child, /Ready on (http:\S+)/);
  const post = (path, body) =>
    fetch(origin + path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });

  const verification = printed(child, /Mail: \S+\n {2}link: \S+kind=verification\S+token=(\S+)\n/);
  const ann = { email: 'ann@example.com', password: 'a quiet green field', name: 'Ann' };
  assert.equal((await post('/api/auth/register', ann)).status, 201);
  const [, token] = await verification;
  assert.equal((await post('/api/auth/email/verify', { token, password: ann.password })).status, 204);

  const code = printed(child, /Mail: \S+\n {2}link: \S+kind=sign_in\S+\n {2}code: (\d{6})\n/);
  const { id } = await (await post('/api/auth/code', { email: ann.email })).json();
  assert.equal((await post('/api/auth/code/verify', { id, code: (await code)[1] })).status, 200);

  const link = new URL(invited.out.match(/^http:.*$/m)[0]);
  const page = await fetch(origin + link.pathname + link.search);
  assert.equal(page.status, 200);
  assert.match(await page.text(), /bob@example\.com/);
  const taken = await post('/api/auth/invitation', { token: link.searchParams.get('token'), password: 'a loud red field' });
  assert.equal(taken.status, 200);
  const { user } = await taken.json();
  assert.equal(user.email, 'bob@example.com');
  assert.equal(user.role, 'admin');

  child.kill();
  await ended;
  await assert.rejects(fetch(origin));
});
