// The operator's commands with the real wrangler: on a local database, and as it reads wrangler.toml.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { unstable_readConfig as readConfig } from 'wrangler';
import { accounts, ENV, Local } from './local.mjs';
import { printed, root } from './support.mjs';

test('make admin, make backup, and the backup restored', async (t) => {
  const here = new Local(t);
  const early = await here.operate('admin.mjs', { EMAIL: 'ann@example.com' });
  assert.equal(early.code, 1);
  assert.match(early.out, /`make dev` makes it/);

  // A semicolon or a comment in the address ends no statement.
  const email = "o'hara;--@example.com";
  here.migrate(accounts([41, email], [42, 'ann@example.com']));
  const roles = () => here.query('SELECT id, role FROM users ORDER BY id').map(({ role }) => role).join();
  const declined = await here.operate('admin.mjs', { EMAIL: email }, { input: 'n\n' });
  assert.equal(declined.code, 1);
  assert.match(declined.out, /account 41, named "Ann", customer, made /);
  assert.equal(roles(), 'customer,customer');
  const made = await here.operate('admin.mjs', { EMAIL: ` ${email.toUpperCase()}` }, { input: 'y\n' });
  assert.equal(made.code, 0, made.out);
  const again = await here.operate('admin.mjs', { EMAIL: email, YES: '1' });
  assert.match(again.out, /an admin already/);
  const [{ at, ...granted }, ...more] = here.query('SELECT * FROM audit');
  assert.deepEqual(more, []);
  assert.ok(Math.abs(Date.now() - at) < 60_000, `${at} is no time of today in milliseconds`);
  const { action, user_id, actor_id, address, user_agent, detail } = granted;
  assert.deepEqual(
    { action, user_id, actor_id, address, user_agent, detail },
    { action: 'role_change', user_id: 41, actor_id: null, address: 'operator', user_agent: null, detail: 'admin' },
  );

  const backup = await here.operate('backup.mjs', { LOCAL: '1' });
  assert.equal(backup.code, 0, backup.out);
  const [file] = readdirSync(here.path('backups'));
  assert.equal(statSync(here.path(`backups/${file}`)).mode & 0o777, 0o600);

  rmSync(here.path('.wrangler'), { recursive: true });
  here.wrangler('d1', 'execute', 'DB', '--local', '--yes', '--file', `backups/${file}`);
  // Ids go on where they were, and the migrations count as applied.
  const query = `SELECT id, email, role, (SELECT seq FROM sqlite_sequence WHERE name = 'users') AS last_id,
    (SELECT min(name) FROM d1_migrations) AS migration FROM users ORDER BY id`;
  const same = { last_id: 42, migration: '0001_schema.sql' };
  assert.deepEqual(here.query(query), [
    { id: 41, email, role: 'admin', ...same },
    { id: 42, email: 'ann@example.com', role: 'customer', ...same },
  ]);
});

test('make admin grants to nobody else, and not without a trace', async (t) => {
  const here = new Local(t);
  here.migrate(accounts([7, 'ann@example.com']));
  const roles = () => here.query("SELECT id || ' ' || role AS role FROM users ORDER BY id").map(({ role }) => role).join();

  // While the operator thinks, the address passes to another account.
  const { child, ended } = here.start('admin.mjs', { env: { ...ENV, EMAIL: 'ann@example.com' }, input: null });
  await printed(child, /Make it an admin\?/);
  here.query("UPDATE users SET email = 'bob@example.com'", accounts([8, 'ann@example.com']));
  child.stdin.end('y\n');
  const { code, out } = await ended;
  assert.equal(code, 1, out);
  assert.match(out, /Nothing was changed/);
  assert.equal(roles(), '7 customer,8 customer');
  assert.deepEqual(here.query('SELECT * FROM audit'), []);

  // Either of the two cannot be written, so neither is.
  const refuses = async (why) => {
    const { code, out } = await here.operate('admin.mjs', { EMAIL: 'ann@example.com', YES: '1' });
    assert.equal(code, 1);
    assert.match(out, why);
  };
  here.query("INSERT INTO audit (at, action, address) VALUES (1, 'login', '')", 'CREATE UNIQUE INDEX full ON audit (at > 0)');
  await refuses(/UNIQUE constraint failed: index 'full'/);
  assert.equal(roles(), '7 customer,8 customer');
  here.query('DROP INDEX full', 'DELETE FROM audit', "UPDATE users SET role = 'admin' WHERE id = 7",
    "CREATE UNIQUE INDEX one ON users (role) WHERE role = 'admin'");
  await refuses(/UNIQUE constraint failed: users\.role/);
  assert.equal(roles(), '7 admin,8 customer');
  assert.deepEqual(here.query('SELECT * FROM audit'), []);
});

test('make unlock opens the account and no other', async (t) => {
  const here = new Local(t);
  const keys = ['user 7 a', 'user 7 b', 'user 70 a', 'user 6 a', 'pair 7 a', 'address a'];
  here.migrate(`
    INSERT INTO attempts VALUES ${keys.map((key) => `('${key}', 80, 1, 2, 3, 4)`).join(', ')};
    ${accounts([7, 'ann@example.com'])}`);
  const { code, out } = await here.operate('unlock.mjs', { EMAIL: 'ann@example.com' });
  assert.equal(code, 0, out);
  const rows = here.query('SELECT * FROM attempts');
  assert.equal(rows.length, keys.length);
  for (const row of rows) {
    const open = row.key.startsWith('user 7 ');
    const counts = { failures: open ? 0 : 80, counted_at: 1, closed_until: open ? 0 : 2, expires_at: 3, familiar_until: 4 };
    assert.deepEqual(row, { key: row.key, ...counts });
  }
  const [{ action, user_id, actor_id, address, detail }, ...more] = here.query('SELECT * FROM audit');
  assert.deepEqual(
    { action, user_id, actor_id, address, detail, more },
    { action: 'unlock', user_id: 7, actor_id: null, address: 'operator', detail: null, more: [] },
  );
});

test('make invite makes an account once, and invites to none that is proven meanwhile', async (t) => {
  const here = new Local(t);
  here.migrate('SELECT 1;');
  const email = "o'hara;--@example.com";
  const env = { EMAIL: email, NAME: "Ann O'Hara", URL: 'https://auth.example.com', YES: '1' };
  const { code, out } = await here.operate('invite.mjs', env);
  assert.equal(code, 0, out);
  const { searchParams } = new URL(out.match(/^https:.*$/m)[0]);
  const secret = Buffer.from(searchParams.get('token'), 'base64url').subarray(16);
  const [user] = here.query('SELECT id, email, name, role, password_hash, email_verified_at, language FROM users');
  assert.deepEqual(user, { id: user.id, email, name: "Ann O'Hara", role: 'admin', password_hash: null, email_verified_at: null, language: 'en' });
  const [{ created_at: made, expires_at: end, recipient_hash: recipient, ...row }, ...others] = here.query('SELECT * FROM challenges');
  assert.deepEqual(others, []);
  assert.match(recipient, /^[\w-]{43}$/);
  assert.equal(end - made, 7 * 24 * 60 * 60 * 1000);
  assert.ok(Math.abs(Date.now() - made) < 60_000, `${made} is no time of today in milliseconds`);
  assert.deepEqual(row, {
    id: searchParams.get('id'), kind: 'invitation', user_id: user.id, email, new_email: null, tries: 0, spent_by: null,
    link_digest: createHash('sha256').update(secret).digest('base64url'), browser: 'unknown unknown',
  });
  const [{ action, user_id, actor_id, address, detail }, ...more] = here.query('SELECT * FROM audit');
  assert.deepEqual(
    { action, user_id, actor_id, address, detail, more },
    { action: 'invitation', user_id: user.id, actor_id: null, address: 'operator', detail: 'admin', more: [] },
  );

  // While the operator thinks, the account's address is proven.
  const { child, ended } = here.start('invite.mjs', { env: { ...ENV, ...env, YES: '' }, input: null });
  await printed(child, /Invite to it\?/);
  here.query('UPDATE users SET email_verified_at = 1');
  child.stdin.end('y\n');
  const late = await ended;
  assert.equal(late.code, 1, late.out);
  assert.match(late.out, /Nothing was changed/);
  assert.ok(!late.out.includes('token='), late.out);
  const count = 'SELECT (SELECT count(*) FROM challenges) AS challenges, (SELECT count(*) FROM audit) AS events';
  assert.deepEqual(here.query(count), [{ challenges: 1, events: 1 }]);

  // An account that comes to be while the operator thinks is not given a role.
  const race = here.start('invite.mjs', { env: { ...ENV, EMAIL: 'bob@example.com', URL: env.URL }, input: null });
  await printed(race.child, /Make one/);
  here.query(accounts([8, 'bob@example.com']));
  race.child.stdin.end('y\n');
  const lost = await race.ended;
  assert.equal(lost.code, 1, lost.out);
  assert.match(lost.out, /UNIQUE constraint failed: users\.email/);
  assert.deepEqual(here.query("SELECT role FROM users WHERE email = 'bob@example.com'"), [{ role: 'customer' }]);
  assert.deepEqual(here.query(count), [{ challenges: 1, events: 1 }]);
});

test('as wrangler reads wrangler.toml, versions have no address, no URL is kept, and mail goes to anybody', () => {
  const config = readConfig({ config: join(root, 'wrangler.toml') });
  assert.equal(config.preview_urls, false);
  const { enabled, redact_query_string, logs, traces } = config.observability;
  assert.deepEqual({ enabled, redact_query_string, traces }, { enabled: true, redact_query_string: true, traces: undefined });
  assert.deepEqual({ ...logs }, { enabled: true, invocation_logs: false });
  // The binding that platform/mail looks for, without a list of those whom it may send to.
  assert.deepEqual(config.send_email.map((binding) => ({ ...binding })), [{ name: 'SEND_EMAIL' }]);
});
