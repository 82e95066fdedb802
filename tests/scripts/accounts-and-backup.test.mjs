// `make admin`, `make unlock` and `make backup` against a wrangler that stands in for the real one.
import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { Project } from './support.mjs';

const ANN = { id: 7, name: 'Ann\u001b[2J\u009b\u202e', role: 'customer', disabled: 0, created_at: '2026-01-15T10:30:00' };
const FOUND = [[ANN]];
const GRANTED = [[], [{ id: 7 }]];
const UNLOCKED = [[], []];
const SHOWN = 'account 7, named "Ann\\u001b[2J\\u{9b}\\u{202e}", customer, made 2026-01-15T10:30:00 UTC';

/** What the `d1 execute` commands since the last look were given, the statements last. */
const executed = (here) => here.world.calls.map(({ args }) => args);

test('make admin shows the account and asks, and takes only a yes for one', async (t) => {
  const here = new Project(t);
  const env = { EMAIL: ' Ann@Example.COM ' };
  for (const [input, code] of [['', 2], ['\n', 1], ['n\n', 1], ['why\nno\n', 1], ['y\n', 0], ['YES\n', 0]]) {
    here.change({ calls: [], rows: [FOUND, GRANTED] });
    const answered = await here.run('admin.mjs', { env, input });
    assert.equal(answered.code, code, answered.out);
    assert.ok(answered.out.startsWith(`ann@example.com in the local database: ${SHOWN}.\n`), answered.out);
    assert.match(answered.out, /Make it an admin\? \[y\/N\] /);
    assert.equal(here.takeCommands().length, code === 0 ? 2 : 1, answered.out);
    assert.equal(answered.out.includes('is an admin'), code === 0, answered.out);
  }
});

test('make admin asks nothing with YES=1, and makes an admin in production only if told to', async (t) => {
  const here = new Project(t);
  for (const [REMOTE, target] of [['', '--local'], ['0', '--local'], ['1', '--remote']]) {
    here.change({ rows: [FOUND, GRANTED] });
    const { code, out } = await here.run('admin.mjs', { env: { EMAIL: 'ann@example.com', YES: '1', REMOTE } });
    assert.equal(code, 0, out);
    assert.ok(!out.includes('[y/N]'));
    assert.match(out, new RegExp(`^Account 7 is an admin in ${REMOTE === '1' ? 'production' : 'the local database'} now`, 'm'));
    for (const args of executed(here)) {
      assert.deepEqual(args.slice(0, -1), ['d1', 'execute', 'DB', target, '--yes', '--json', '--command']);
    }
    here.takeCommands();
  }
});

test('make admin says that the account is disabled, or an admin already, or another by now', async (t) => {
  const here = new Project(t);
  const env = { EMAIL: 'ann@example.com', YES: '1' };
  here.change({ rows: [[[{ ...ANN, disabled: 1 }]], GRANTED] });
  const disabled = await here.run('admin.mjs', { env });
  assert.equal(disabled.code, 0, disabled.out);
  assert.match(disabled.out, /disabled, and stays so/);

  here.takeCommands();
  here.change({ rows: [[[{ ...ANN, role: 'admin' }]]] });
  const already = await here.run('admin.mjs', { env });
  assert.equal(already.code, 0, already.out);
  assert.match(already.out, /is an admin already/);
  assert.equal(here.takeCommands().length, 1);

  here.change({ rows: [FOUND, [[], []]] });
  const changed = await here.run('admin.mjs', { env });
  assert.equal(changed.code, 1);
  assert.match(changed.out, /not the one shown above.*Nothing was changed/);
});

test('make unlock opens an account without asking', async (t) => {
  const here = new Project(t);
  for (const [REMOTE, target, where] of [['', '--local', 'the local database'], ['1', '--remote', 'production']]) {
    here.change({ rows: [FOUND, UNLOCKED] });
    const { code, out } = await here.run('unlock.mjs', { env: { EMAIL: 'Ann@example.com', REMOTE } });
    assert.equal(code, 0, out);
    assert.ok(out.startsWith(`ann@example.com in ${where}: ${SHOWN}.\n`), out);
    assert.match(out, /failed sign-ins .* are forgotten/);
    assert.match(out, /address that has just failed still waits.* at most 15/);
    for (const args of executed(here)) assert.equal(args[3], target);
    here.takeCommands();
  }
  here.change({ rows: [[[{ ...ANN, disabled: 1 }]], UNLOCKED] });
  assert.match((await here.run('unlock.mjs', { env: { EMAIL: 'ann@example.com' } })).out, /disabled, and stays so/);
});

for (const script of ['admin.mjs', 'unlock.mjs']) {
  test(`${script} quotes the address`, async (t) => {
    const here = new Project(t, { rows: [FOUND, UNLOCKED] });
    await here.run(script, { env: { EMAIL: "o'hara'--$(id)`id`;@example.com", YES: '1' } });
    assert.match(executed(here)[0].at(-1), /WHERE email = 'o''hara''--\$\(id\)`id`;@example\.com'$/);
  });

  test(`${script} says that there is no such account, or no database`, async (t) => {
    const here = new Project(t);
    const env = { EMAIL: 'ann@example.com' };
    const nobody = await here.run(script, { env });
    assert.equal(nobody.code, 1);
    assert.match(nobody.out, /no account of ann@example\.com in the local database/);
    here.change({ failing: ['d1 execute'] });
    const failed = await here.run(script, { env });
    assert.equal(failed.code, 1);
    assert.match(failed.out, /: d1 execute does not work today\n$/);
  });

  test(`wrong use of ${script}`, async (t) => {
    const here = new Project(t);
    for (const env of [
      {},
      { EMAIL: ' ' },
      { EMAIL: 'ann@example.com', REMOTE: 'yes' },
    ]) {
      const { code, out } = await here.run(script, { env });
      assert.equal(code, 2, out);
      assert.equal(out.trim().split('\n').length, 1, out);
    }
    assert.deepEqual(here.takeCommands(), []);
  });
}

test('wrong use of backup.mjs, and of YES', async (t) => {
  const here = new Project(t);
  for (const [script, env] of [['backup.mjs', { LOCAL: 'yes' }], ['admin.mjs', { EMAIL: 'ann@example.com', YES: 'yes' }]]) {
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
