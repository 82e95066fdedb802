// `make invite` against a wrangler that stands in for the real one.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Project } from './support.mjs';

const EMAIL = 'ann@example.com';
const URL = 'https://auth.example.com';
const ANN = { id: 7, name: 'Ann', role: 'customer', disabled: 0, created_at: '2026-01-15T10:30:00', email_verified_at: null };
const NOBODY = [[]];
const MADE = [[], [{ user_id: 9 }], []];
const INVITED = [[{ user_id: 7 }], []];

/** The statements of the last `d1 execute`. */
const statements = (here) => here.world.calls.at(-1).args.at(-1);

function linkIn(out) {
  const [link] = out.match(/^https?:\/\/\S+$/m);
  const { origin, pathname, searchParams } = new globalThis.URL(link);
  assert.equal(pathname, '/account/confirm');
  const { kind, id, token } = Object.fromEntries(searchParams);
  assert.equal(kind, 'invitation');
  const bytes = Buffer.from(token, 'base64url');
  assert.equal(bytes.length, 48);
  assert.equal(bytes.subarray(0, 16).toString('base64url'), id);
  return { origin, id, token, digest: createHash('sha256').update(bytes.subarray(16)).digest('base64url') };
}

test('make invite makes an account and prints a link of which the database has the digest', async (t) => {
  const here = new Project(t, { rows: [NOBODY, MADE, NOBODY, MADE] });
  const env = { EMAIL: ' Ann@Example.com', NAME: "Ann O'Hara", URL: `${URL}/`, REMOTE: '1' };
  const { code, out } = await here.run('invite.mjs', { env, input: 'y\n' });
  assert.equal(code, 0, out);
  assert.match(out, /no account of ann@example\.com in production.*role admin.*\[y\/N\]/);
  const { origin, id, token, digest } = linkIn(out);
  assert.equal(origin, URL);
  assert.ok(here.world.calls.every(({ args }) => args[3] === '--remote'));
  assert.match(statements(here), /VALUES \('ann@example\.com', 'Ann O''Hara', 'admin'\)/);
  assert.ok(statements(here).includes(`'${id}', 'invitation'`) && statements(here).includes(`'${digest}'`));
  // What opens the account is on no command line.
  assert.ok(!here.read('world.json').includes(token.slice(-20)));

  const other = await here.run('invite.mjs', { env: { EMAIL, URL, YES: '1' } });
  assert.match(statements(here), /VALUES \('ann@example\.com', 'ann', 'admin'\)/);
  assert.notEqual(linkIn(other.out).token, token);
});

test('make invite asks, and takes only a yes for one', async (t) => {
  for (const rows of [[NOBODY], [[[ANN]]]]) {
    for (const input of ['n\n', '\n', '']) {
      const here = new Project(t, { rows });
      const { code, out } = await here.run('invite.mjs', { env: { EMAIL, URL }, input });
      assert.equal(code, input ? 1 : 2, out);
      assert.equal(here.world.calls.length, 1);
      assert.ok(!out.includes('token='), out);
    }
  }
});

test('make invite invites to an account that nobody has proven, and leaves its role', async (t) => {
  const here = new Project(t, { rows: [[[ANN]], INVITED] });
  const { code, out } = await here.run('invite.mjs', { env: { EMAIL, URL }, input: 'y\n' });
  assert.equal(code, 0, out);
  assert.match(out, /account 7, named "Ann", customer/);
  assert.match(out, /takes the account over.*It stays customer until `make admin`/s);
  assert.match(statements(here), /AND id = 7\n/);
  assert.ok(!/INSERT INTO users|UPDATE/.test(statements(here)), statements(here));
  linkIn(out);
});

test('make invite refuses an account whose address is proven, or that is disabled, or that is another by now', async (t) => {
  for (const [account, then, why] of [
    [{ email_verified_at: 1 }, [], /proven.*`make admin EMAIL=ann@example\.com`/],
    [{ disabled: 1 }, [], /disabled/],
    [{}, [[[], []]], /not the one shown above any more/],
  ]) {
    const here = new Project(t, { rows: [[[{ ...ANN, ...account }]], ...then] });
    const { code, out } = await here.run('invite.mjs', { env: { EMAIL, URL, YES: '1' } });
    assert.equal(code, 1, out);
    assert.match(out, why);
    assert.ok(!out.includes('token='), out);
    assert.equal(here.world.calls.length, 1 + then.length);
  }
});

test('the link of make invite leads to PUBLIC_URL, or where the operator says', async (t) => {
  const local = 'PUBLIC_URL=http://localhost:8787\n';
  const config = (here) => here.read('wrangler.toml').replace('[vars]\n', `[vars]\nPUBLIC_URL = "${URL}"\n`);
  for (const [remote, vars, inConfig, given, input, expected] of [
    ['0', local, true, undefined, '', 'http://localhost:8787'],
    ['0', 'JWT_SECRET=x\n', true, undefined, '', URL],
    ['1', local, true, undefined, '', URL],
    ['1', local, true, 'https://other.example.com', '', 'https://other.example.com'],
    ['1', local, false, undefined, 'https://asked.example.com\n', 'https://asked.example.com'],
  ]) {
    const here = new Project(t, { rows: [NOBODY, MADE] });
    if (vars) here.write('.dev.vars', vars);
    if (inConfig) here.write('wrangler.toml', config(here));
    const env = { EMAIL, REMOTE: remote, ...(given && { URL: given }), ...(input ? {} : { YES: '1' }) };
    const { code, out } = await here.run('invite.mjs', { env, input: `${input}y\n` });
    assert.equal(code, 0, out);
    assert.equal(linkIn(out).origin, expected);
  }
});

test('make invite takes the roles of the service', async (t) => {
  const here = new Project(t, { rows: [NOBODY, MADE, NOBODY, MADE] });
  for (const role of ['editor', 'admin']) {
    here.write('.dev.vars', 'ROLES=customer, editor, admin\n');
    const { code, out } = await here.run('invite.mjs', { env: { EMAIL, URL, ROLE: role, YES: '1' } });
    assert.equal(code, 0, out);
    assert.match(statements(here), new RegExp(`'ann', '${role}'\\)`));
  }
  // In production that file says nothing.
  const { code, out } = await here.run('invite.mjs', { env: { EMAIL, URL, ROLE: 'editor', YES: '1', REMOTE: '1' } });
  assert.equal(code, 2);
  assert.match(out, /customer, admin, not "editor"/);
});

test('wrong use of invite.mjs', async (t) => {
  const here = new Project(t);
  for (const env of [
    {},
    { EMAIL, REMOTE: 'yes' },
    { EMAIL, YES: 'yes' },
    { EMAIL, NAME: 'a\u202eb' },
    { EMAIL, NAME: 'a'.repeat(201) },
    { EMAIL, ROLE: 'Admin' },
    ...['ann', 'ann@example', 'ann@.com', 'a@b@example.com', 'añn@example.com', 'a n@example.com', `${'a'.repeat(243)}@example.com`]
      .map((other) => ({ EMAIL: other })),
    ...['auth.example.com', 'http://auth.example.com', 'http://localhost.example.com', `${URL}/account`, `${URL}?`, 'https://a@b.example']
      .map((other) => ({ EMAIL, URL: other })),
    { EMAIL, URL: '', YES: '1' },
  ]) {
    const { code, out } = await here.run('invite.mjs', { env: { URL, ...env } });
    assert.equal(code, 2, `${JSON.stringify(env)}: ${out}`);
    assert.equal(out.trim().split('\n').length, 1, out);
  }
  assert.deepEqual(here.takeCommands(), []);
});
