// `make admin` and `make backup` against a wrangler that stands in for the real one.
import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { Project } from './support.mjs';

const ANN = { id: 7, name: 'Ann\u001b[2J', disabled: 0, created_at: '2026-01-15T10:30:00' };

test('makes an admin, in production only if told to', async (t) => {
  const here = new Project(t, { rows: [ANN] });
  for (const [REMOTE, target] of [['', '--local'], ['0', '--local'], ['1', '--remote']]) {
    const { code, out } = await here.run('admin.mjs', { env: { EMAIL: ' Ann@Example.COM ', REMOTE } });
    assert.equal(code, 0, out);
    assert.match(out, /^ann@example\.com, account 7, named "Ann\\u001b\[2J", .* is an admin/);
    const [{ args }] = here.world.calls;
    assert.deepEqual(args.slice(0, -1), ['d1', 'execute', 'DB', target, '--yes', '--json', '--command']);
    here.takeCommands();
  }
});

test('quotes the address', async (t) => {
  const here = new Project(t, { rows: [ANN] });
  const { code } = await here.run('admin.mjs', { env: { EMAIL: "o'hara'--$(id)`id`;@example.com" } });
  assert.equal(code, 0);
  const [{ args }] = here.world.calls;
  assert.match(args.at(-1), /WHERE email = 'o''hara''--\$\(id\)`id`;@example\.com' RETURNING/);
});

test('says that there is no such account, or no database', async (t) => {
  const here = new Project(t);
  const env = { EMAIL: 'ann@example.com' };
  const nobody = await here.run('admin.mjs', { env });
  assert.equal(nobody.code, 1);
  assert.match(nobody.out, /no account of ann@example\.com/);
  here.change({ failing: ['d1 execute'] });
  const failed = await here.run('admin.mjs', { env });
  assert.equal(failed.code, 1);
  assert.match(failed.out, /: d1 execute does not work today\n$/);
});

test('wrong use of admin and backup', async (t) => {
  const here = new Project(t);
  for (const [script, env] of [
    ['admin.mjs', {}],
    ['admin.mjs', { EMAIL: ' ' }],
    ['admin.mjs', { EMAIL: 'ann' }],
    ['admin.mjs', { EMAIL: 'änn@example.com' }],
    ['admin.mjs', { EMAIL: 'a b@example.com' }],
    ['admin.mjs', { EMAIL: `${'a'.repeat(250)}@example.com` }],
    ['admin.mjs', { EMAIL: 'ann@example.com', REMOTE: 'yes' }],
    ['backup.mjs', { LOCAL: 'yes' }],
  ]) {
    const { code, out } = await here.run(script, { env });
    assert.equal(code, 2, out);
    assert.equal(out.trim().split('\n').length, 1, out);
  }
  assert.deepEqual(here.takeCommands(), []);
});

test('backs up into a file for its owner alone', async (t) => {
  const here = new Project(t);
  const { code, out } = await here.run('backup.mjs');
  assert.equal(code, 0, out);
  assert.match(out, /password hashes/);
  assert.ok(!out.includes('signed.example.com'), 'the address of the export was shown');
  const [file] = readdirSync(here.path('backups'));
  assert.match(file, /^edge-auth-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\.sql$/);
  assert.equal(here.read(`backups/${file}`), here.world.dump);
  assert.equal(statSync(here.path(`backups/${file}`)).mode & 0o777, 0o600);
  assert.equal(statSync(here.path('backups')).mode & 0o777, 0o700);
  const [{ args }] = here.world.calls;
  assert.ok(args.includes('--remote') && !args.includes('--local'));
});

test('leaves nothing behind of a backup that failed', async (t) => {
  const here = new Project(t);
  for (const [world, reason] of [[{ failing: ['d1 export'] }, /does not work today/], [{ failing: [], dump: '' }, /empty/]]) {
    here.change(world);
    const { code, out } = await here.run('backup.mjs', { env: { LOCAL: '1' } });
    assert.equal(code, 1);
    assert.match(out, reason);
    assert.deepEqual(readdirSync(here.path('backups')), []);
  }
});
