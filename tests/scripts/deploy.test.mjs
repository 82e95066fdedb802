// `make deploy` against a wrangler that stands in for the real one.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { listen, Project, root } from './support.mjs';

const ID = '11111111-2222-3333-4444-555555555555';
const ZEROS = '00000000-0000-0000-0000-000000000000';
// As it ships, whatever `make deploy` and the operator have written into it.
const CONFIG = readFileSync(join(root, 'wrangler.toml'), 'utf8')
  .replace(/database_id = "[-0-9a-f]{36}"/, `database_id = "${ZEROS}"`)
  .replace(/^workers_dev = false$/m, 'workers_dev = true')
  .replace(/^routes = \[[^]*?^\]\n/m, '');
const EXAMPLE = '-c examples/bookstore/wrangler.toml';
const LOOKS = [
  'whoami --json', 'd1 list --json', 'secret list --format json', 'd1 migrations list DB --remote', `deployments list ${EXAMPLE}`,
];

/** Answers 503 so many times, then 200. */
function healthz(t, failures = 0, status = 503) {
  return listen(t, (request, response) => {
    assert.equal(request.url, '/healthz');
    response.writeHead(failures-- > 0 ? status : 200).end('{}');
  });
}

function project(t, world) {
  const made = new Project(t, world);
  made.write('wrangler.toml', CONFIG);
  return made;
}

const yes = { env: { YES: '1' } };

test('deploys from nothing, and again without doing anything twice', async (t) => {
  const url = await healthz(t, 2);
  const here = project(t, { targets: ['schedule: 17 * * * *', url] });
  const first = await here.run('deploy.mjs', yes);
  assert.equal(first.code, 0, first.out);
  assert.match(first.out, new RegExp(`Answers 200. edge-auth is at ${url}`));
  assert.equal(here.read('wrangler.toml'), CONFIG.replace(ZEROS, ID));
  const { input } = here.world.calls.find(({ command }) => command === 'secret put JWT_SECRET');
  assert.match(input, /^[\w-]{64}\n$/);
  const dataKey = here.world.calls.find(({ command }) => command === 'secret put DATA_KEY').input;
  assert.match(dataKey, /^[\w-]{43}$/);
  for (const secret of [input.trim(), dataKey]) assert.ok(!first.out.includes(secret), 'a secret was shown');
  assert.deepEqual(here.takeCommands(), [
    'whoami --json', 'd1 list --json', 'd1 create edge-auth', 'd1 list --json', 'secret list --format json',
    'secret put JWT_SECRET', 'secret put DATA_KEY', 'd1 migrations list DB --remote', 'd1 migrations apply DB --remote',
    `deployments list ${EXAMPLE}`, `deploy ${EXAMPLE}`, 'deploy',
  ]);

  const second = await here.run('deploy.mjs', yes);
  assert.equal(second.code, 0, second.out);
  assert.deepEqual(here.takeCommands(), [...LOOKS, 'deploy']);
  assert.equal(here.read('wrangler.toml'), CONFIG.replace(ZEROS, ID));
});

test('asks before each thing it makes, and stops at a no', async (t) => {
  const here = project(t, { targets: [await healthz(t)] });
  for (const [input, last, made] of [
    ['', 'd1 list --json', /nobody to answer/],
    ['n\n', 'd1 list --json', /Nothing deployed/],
    ['y\nn\n', 'secret list --format json', /npx wrangler secret put JWT_SECRET/],
    // What is there is not asked for again.
    ['y\nn\n', 'secret put JWT_SECRET', /npx wrangler secret put DATA_KEY/],
    ['\nNo\n', 'd1 migrations list DB --remote', /Nothing deployed/],
  ]) {
    const { code, out } = await here.run('deploy.mjs', { input });
    assert.equal(code, input ? 1 : 2, out);
    assert.match(out, made);
    assert.equal(here.takeCommands().at(-1), last);
  }
  const without = await here.run('deploy.mjs', { input: 'perhaps\ny\nn\n' });
  assert.equal(without.code, 1, without.out);
  assert.match(without.out, /delete its \[\[vars.PROTECTED\]\]/);
  assert.equal(here.takeCommands().at(-1), `deployments list ${EXAMPLE}`);
  const { code, out } = await here.run('deploy.mjs', { input: 'y\n' });
  assert.equal(code, 0, out);
  assert.equal(here.takeCommands().at(-1), 'deploy');
});

test('leaves the example alone where it is not asked for', async (t) => {
  const here = project(t, { targets: [await healthz(t)] });
  here.write('wrangler.toml', CONFIG.replace(/^\[\[services\]\]\n.*\n.*\n/m, ''));
  const { code, out } = await here.run('deploy.mjs', yes);
  assert.equal(code, 0, out);
  assert.ok(!here.takeCommands().some((command) => command.includes('bookstore')));
});

test('takes a database that an earlier run created', async (t) => {
  const here = project(t, { databases: [{ name: 'other', uuid: 'x' }, { name: 'edge-auth', uuid: ID }], targets: [await healthz(t)] });
  const { code, out } = await here.run('deploy.mjs', yes);
  assert.equal(code, 0, out);
  assert.ok(!here.takeCommands().includes('d1 create edge-auth'));
  assert.equal(here.read('wrangler.toml'), CONFIG.replace(ZEROS, ID));
});

test('refuses a database of another account', async (t) => {
  const here = project(t);
  here.write('wrangler.toml', CONFIG.replace(ZEROS, ID));
  const { code, out } = await here.run('deploy.mjs', yes);
  assert.equal(code, 1);
  assert.match(out, /no database 11111111/);
  assert.equal(here.read('wrangler.toml'), CONFIG.replace(ZEROS, ID));
});

test('sets the secret that JWT_ALGORITHM needs', async (t) => {
  const here = project(t, { secrets: ['JWT_SECRET'], worker: true, targets: [await healthz(t)] });
  here.write('wrangler.toml', CONFIG.replace('[vars]\n', '[vars]\nJWT_ALGORITHM = "EdDSA"\n'));
  const { code, out } = await here.run('deploy.mjs', yes);
  assert.equal(code, 0, out);
  const { input } = here.world.calls.find(({ command }) => command === 'secret put JWT_PRIVATE_KEY');
  const { crv, d } = JSON.parse(input);
  assert.equal(crv, 'Ed25519');
  assert.ok(!out.includes(d), 'the key was shown');

  here.write('wrangler.toml', CONFIG.replace('[vars]\n', '[vars]\nJWT_ALGORITHM = "none"\n'));
  here.change({ secrets: [] });
  const wrong = await here.run('deploy.mjs', yes);
  assert.equal(wrong.code, 1);
  assert.match(wrong.out, /HS256, EdDSA or ES256/);
});

test('needs a login or a token', async (t) => {
  const here = project(t, { account: null, targets: [await healthz(t)] });
  const none = await here.run('deploy.mjs', yes);
  assert.equal(none.code, 1);
  assert.match(none.out, /npx wrangler login.*CLOUDFLARE_API_TOKEN/);
  assert.deepEqual(here.takeCommands(), ['whoami --json']);

  const token = await here.run('deploy.mjs', { env: { YES: '1', CLOUDFLARE_API_TOKEN: 'a token' } });
  assert.equal(token.code, 0, token.out);
  assert.ok(!token.out.includes('a token'));

  const asked = await here.run('deploy.mjs', { input: 'y\n' });
  assert.equal(asked.code, 0, asked.out);
  assert.ok(here.takeCommands().includes('login'));
});

test('asks which of several accounts', async (t) => {
  const accounts = [{ name: 'One', id: 'a1' }, { name: 'Two', id: 'a2' }];
  const here = project(t, { accounts, targets: [await healthz(t)] });
  const unasked = await here.run('deploy.mjs', yes);
  assert.equal(unasked.code, 1);
  assert.match(unasked.out, /2 accounts.*CLOUDFLARE_ACCOUNT_ID/);
  here.takeCommands();
  const asked = await here.run('deploy.mjs', { input: '2\ny\ny\ny\ny\ny\n' });
  assert.equal(asked.code, 0, asked.out);
  assert.deepEqual([...new Set(here.world.calls.map(({ account }) => account))], [undefined, 'a2']);
});

test('says which step failed and why', async (t) => {
  for (const failing of ['d1 list', 'd1 create', 'secret list', 'secret put', 'd1 migrations list', 'd1 migrations apply']) {
    const here = project(t, { failing: [failing], worker: true });
    const { code, out } = await here.run('deploy.mjs', yes);
    assert.equal(code, 1);
    assert.match(out, new RegExp(`: ${failing} does not work today`));
    assert.ok(here.takeCommands().at(-1).startsWith(failing));
  }
  const here = project(t, { failing: ['deploy'] });
  const { code, out } = await here.run('deploy.mjs', yes);
  assert.equal(code, 1);
  assert.match(out, /deploy does not work today[^]*Not deployed/);
});

test('says that a deployment is not well', async (t) => {
  for (const [status, hint] of [[500, /500.*wrangler tail/], [503, /503.*database/]]) {
    const here = project(t, { targets: [await healthz(t, Infinity, status)] });
    const { code, out } = await here.run('deploy.mjs', { ...yes, args: ['--patience=0'] });
    assert.equal(code, 1);
    assert.match(out, hint);
  }
});

test('deploys to routes of which none is the whole address', async (t) => {
  const here = project(t, { targets: ['example.com/api/auth/* (zone name: example.com)', 'schedule: 17 * * * *'] });
  const { code, out } = await here.run('deploy.mjs', yes);
  assert.equal(code, 0, out);
  assert.match(out, /No address leads to its \/healthz/);
});

test('says which settings switch mail on where it is off', async (t) => {
  for (const [vars, off] of [['', true], ['MAIL = "none"\n', true], ['MAIL = "resend"\n', false]]) {
    const here = project(t, { targets: [await healthz(t)] });
    // Settings of local work are not deployed.
    here.write('.dev.vars', 'MAIL=cloudflare\n');
    here.write('wrangler.toml', CONFIG.replace('[vars]\n', `[vars]\n${vars}`));
    const { code, out } = await here.run('deploy.mjs', yes);
    assert.equal(code, 0, out);
    assert.equal(/== Mail\nIt is off.*PUBLIC_URL, MAIL and MAIL_FROM/s.test(out), off, out);
  }
});

const ROUTES = [
  'routes = [\n  { pattern = "api.example.com/auth", zone_name = "example.com" }, # the first\n]',
  'routes = ["api.example.com/auth"]',
  'route = "api.example.com/auth"',
  "  route = { pattern = 'auth.example.com', custom_domain = true }",
];

test('turns workers.dev off once there are routes, before it deploys, and changes nothing else', async (t) => {
  const off = (config) => config.replace('workers_dev = true', 'workers_dev = false');
  const first = CONFIG.replace(ZEROS, ID);
  for (const config of [
    ...ROUTES.flatMap((routes) => [`${routes}\n${first}`, first.replace(/^workers_dev = true\n/m, `$&${routes}\n`)]),
    `${first}\n[[routes]]\npattern = "api.example.com/auth"\nzone_name = "example.com"\n`,
    `${first}\n[route]\npattern = "api.example.com/auth"\nzone_name = "example.com"\n`,
    `${ROUTES[1]}\n${first}`.replace('workers_dev = true', 'workers_dev=true # for a first look').replaceAll('\n', '\r\n'),
    `${ROUTES[1]}\n${first}\n[env.trial]\nworkers_dev = true\n`,
  ]) {
    const here = project(t, { databases: [{ name: 'edge-auth', uuid: ID }], targets: [await healthz(t)] });
    here.write('wrangler.toml', config);
    const { code, out } = await here.run('deploy.mjs', yes);
    assert.equal(code, 0, out);
    const changed = off(config).replace('workers_dev=true', 'workers_dev=false');
    assert.notEqual(changed, config);
    assert.equal(here.read('wrangler.toml'), changed);
    assert.equal(here.world.deployed, changed, 'it was deployed before the change');
    assert.match(out, /workers_dev = false.*Commit that change/s);

    here.takeCommands();
    const again = await here.run('deploy.mjs', yes);
    assert.equal(here.read('wrangler.toml'), changed);
    assert.ok(!again.out.includes('workers_dev'), again.out);
  }
});

test('leaves workers.dev as it is while there are no routes', async (t) => {
  const first = CONFIG.replace(ZEROS, ID);
  for (const config of [
    first,
    `# ${ROUTES[1]}\nroutes = []\n${first}`,
    `routes = [\n#  "api.example.com/auth",\n]\n${first}`,
    `${first}\n[env.trial]\n${ROUTES[1]}\n\n[[env.trial.routes]]\npattern = "api.example.com/auth"\n`,
    first.replace('[vars]', '[vars]\nroute = "no route"'),
    `${ROUTES[1]}\n${first.replace('workers_dev = true\n', '')}`,
  ]) {
    const here = project(t, { databases: [{ name: 'edge-auth', uuid: ID }], targets: [await healthz(t)] });
    here.write('wrangler.toml', config);
    const { code, out } = await here.run('deploy.mjs', yes);
    assert.equal(code, 0, out);
    assert.equal(here.read('wrangler.toml'), config);
    assert.ok(!out.includes('workers_dev'), out);
  }
});

test('wrong use', async (t) => {
  const here = project(t);
  for (const options of [{ args: ['--force'] }, { args: ['--patience=1', 'x'] }, { env: { YES: 'please' } }]) {
    const { code, out } = await here.run('deploy.mjs', options);
    assert.equal(code, 2);
    assert.equal(out.trim().split('\n').length, 1, out);
  }
  assert.deepEqual(here.takeCommands(), []);
});
