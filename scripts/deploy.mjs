// Deploys, and first asks for whatever a deployment lacks: `make deploy`; `make deploy YES=1` takes each question's default.
// Each step looks before it does anything, so that it can be run again at any time, also after it was broken off.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agrees, ask, isOn, jsonIn, printed, reason, run, Stop, wrangler, wrongUse } from './operator.mjs';
import { CONFIG, newDataKey, setting, tablesOf, workerSetting } from './settings.mjs';

// The service that wrangler.toml ships with. Cloudflare refuses a Worker whose service is not there.
const EXAMPLE = ['-c', 'examples/bookstore/wrangler.toml'];
const PLACEHOLDER = '00000000-0000-0000-0000-000000000000';
const AGAIN = 'Then `make deploy` goes on from here.';
// How long the new Worker has to answer at its address; a new workers.dev name can take a minute.
const PATIENCE_S = 120;
const LONGEST_WAIT_MS = 2000;

let yes = false;
// Which account, where the login has several.
const env = {};

const step = (text) => console.log(`\n== ${text}`);
const wranglerHere = (args, options) => wrangler(args, { ...options, env: { ...env, ...options?.env } });

/** Whether the operator wants it, which is the default. */
const wants = (question) => agrees(question, { yes, byDefault: true, otherwise: '`make deploy YES=1` takes the defaults.' });

async function logIn() {
  step('Login to Cloudflare');
  let result = await wranglerHere(['whoami', '--json']);
  if (!result.ok && process.env.CLOUDFLARE_API_TOKEN) {
    // A token that may not read its owner can do all the rest.
    console.log('CLOUDFLARE_API_TOKEN is set. Whose it is cannot be read.');
    return;
  }
  if (!result.ok) {
    const how = 'Run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN.';
    if (yes || !wants('Not logged in. Open the browser to log in?')) throw new Stop(`Not logged in. ${how} ${AGAIN}`);
    await wranglerHere(['login'], { shown: true });
    result = await wranglerHere(['whoami', '--json']);
    if (!result.ok) throw new Stop(`Still not logged in. ${how} ${AGAIN}`);
  }
  const { email, accounts = [] } = jsonIn(result.stdout) ?? {};
  console.log(`Logged in${email ? ` as ${email}` : ''}.`);

  const config = readFileSync(CONFIG, 'utf8');
  if (accounts.length < 2 || process.env.CLOUDFLARE_ACCOUNT_ID || setting(config, '', 'account_id')) return;
  accounts.forEach(({ name, id }, i) => console.log(`  ${i + 1}  ${name}  ${id}`));
  const how = `Set CLOUDFLARE_ACCOUNT_ID, or account_id at the top of ${CONFIG}.`;
  const chosen = yes ? undefined : accounts[Number(ask('Which account? Its number: ')) - 1];
  if (!chosen) throw new Stop(`The login has ${accounts.length} accounts. ${how} ${AGAIN}`);
  env.CLOUDFLARE_ACCOUNT_ID = chosen.id;
  console.log(`Deploying to ${chosen.name}. To be asked no more: ${how}`);
}

async function listDatabases() {
  const result = await wranglerHere(['d1', 'list', '--json']);
  const databases = jsonIn(result.stdout);
  if (!result.ok || !Array.isArray(databases)) {
    throw new Stop(`The databases cannot be listed: ${reason(result)}\nThe login or token needs the permission D1 Edit. ${AGAIN}`);
  }
  return databases;
}

async function makeDatabase() {
  const config = readFileSync(CONFIG, 'utf8');
  const name = setting(config, '[[d1_databases]]', 'database_name');
  const id = setting(config, '[[d1_databases]]', 'database_id');
  if (!name || !id) throw new Stop(`${CONFIG} has no [[d1_databases]] with database_name and database_id.`);
  step(`Database ${name}`);
  const databases = await listDatabases();
  if (id !== PLACEHOLDER) {
    if (!databases.some(({ uuid }) => uuid === id)) {
      throw new Stop(`The account has no database ${id}, which ${CONFIG} names. Is it the right account? For a new database put
${PLACEHOLDER} there. ${AGAIN}`);
    }
    console.log(`There already: ${id}.`);
    return;
  }
  const named = (all) => all.find((database) => database.name === name)?.uuid;
  let found = named(databases);
  if (found) {
    if (!wants(`The account has a database ${name}, ${found}. Use it?`)) {
      throw new Stop(`Write another database_name into ${CONFIG}. ${AGAIN}`);
    }
  } else {
    if (!wants(`There is none. Create it, and write its id into ${CONFIG}?`)) throw new Stop('Nothing deployed: it needs a database.');
    const result = await wranglerHere(['d1', 'create', name]);
    if (!result.ok) throw new Stop(`It could not be created: ${reason(result)}`);
    found = named(await listDatabases());
    if (!found) throw new Stop(`It was created, but is not listed yet. Wait a little. ${AGAIN}`);
  }
  writeFileSync(CONFIG, config.replace(PLACEHOLDER, () => found));
  console.log(`Wrote ${found} into ${CONFIG}. Commit that change.`);
}

async function setSecrets() {
  const algorithm = setting(readFileSync(CONFIG, 'utf8'), '[vars]', 'JWT_ALGORITHM') ?? 'HS256';
  const names = await listSecrets();
  await setSecret(names, algorithm === 'HS256' ? 'JWT_SECRET' : 'JWT_PRIVATE_KEY', `which signs tokens with ${algorithm}`, () => {
    try {
      return printed(join(import.meta.dirname, 'keys.mjs'), [algorithm]);
    } catch {
      throw new Stop(`JWT_ALGORITHM in ${CONFIG} is ${JSON.stringify(algorithm)}; it can be HS256, EdDSA or ES256.`);
    }
  });
  await setSecret(names, 'DATA_KEY', 'which encrypts the secrets of authenticator apps', newDataKey);
}

/** The names of those that are set; none where the Worker was never deployed. */
async function listSecrets() {
  const result = await wranglerHere(['secret', 'list', '--format', 'json']);
  const unknownWorker = !result.ok && /Worker "[^"]*".* not found/.test(result.stderr);
  const secrets = unknownWorker ? [] : jsonIn(result.stdout);
  if (!Array.isArray(secrets) || !(result.ok || unknownWorker)) throw new Stop(`The secrets cannot be listed: ${reason(result)}`);
  return secrets.map(({ name }) => name);
}

async function setSecret(names, name, use, make) {
  step(`Secret ${name}, ${use}`);
  if (names.includes(name)) {
    console.log('There already.');
    return;
  }
  if (!wants('It is missing. Make a random one and set it, without showing it?')) {
    throw new Stop(`Set your own with \`npx wrangler secret put ${name}\`. ${AGAIN}`);
  }
  const put = await wranglerHere(['secret', 'put', name], { input: make() });
  if (!put.ok) throw new Stop(`It could not be set: ${reason(put)}`);
  console.log('Set. It is stored nowhere else.');
}

async function migrate() {
  step('Migrations of the production database');
  const result = await wranglerHere(['d1', 'migrations', 'list', 'DB', '--remote']);
  if (!result.ok) throw new Stop(`They cannot be listed: ${reason(result)}`);
  if (result.stdout.includes('No migrations to apply')) {
    console.log('All applied.');
    return;
  }
  const missing = result.stdout.match(/\d{4}_[\w-]+\.sql/g) ?? [];
  missing.forEach((file) => console.log(`  ${file}`));
  if (!wants('Apply them? A `make backup` before is wise if there are accounts.')) {
    throw new Stop('Nothing deployed: the Worker needs them.');
  }
  const applied = await wranglerHere(['d1', 'migrations', 'apply', 'DB', '--remote']);
  if (!applied.ok) {
    throw new Stop(`A migration failed and was taken back: ${reason(applied)}
\`npx wrangler d1 migrations list DB --remote\` says which are missing. Nothing was deployed.`);
  }
  console.log('Applied.');
}

async function deployExample() {
  if (setting(readFileSync(CONFIG, 'utf8'), '[[services]]', 'service') !== 'bookstore') return;
  step('The example service, examples/bookstore');
  if ((await wranglerHere(['deployments', 'list', ...EXAMPLE])).ok) {
    console.log('Deployed.');
    return;
  }
  if (!wants(`${CONFIG} sends /book/ to it. Deploy it?`)) {
    throw new Stop(`Nothing deployed. Without the example, delete its [[vars.PROTECTED]] and [[services]] from ${CONFIG}. ${AGAIN}`);
  }
  const result = await wranglerHere(['deploy', ...EXAMPLE], { shown: true });
  if (!result.ok) throw new Stop(`Not deployed. What wrangler says above is the reason. ${AGAIN}`);
}

/**
 * Turns workers.dev off where routes lead to the Worker, which had a second address otherwise, one that passes by what the zone
 * does to keep clients out.
 */
function closeWorkersDev() {
  const config = readFileSync(CONFIG, 'utf8');
  const tables = tablesOf(config);
  const [top, ...others] = tables.map((text) => text.replace(/#.*/g, ''));
  const routed = /^\s*(route\s*=|routes\s*=\s*\[\s*[^\s\]])/m.test(top)
    || others.some((text) => /^\s*(\[\[\s*routes\s*\]\]|\[\s*route\s*\])/.test(text));
  tables[0] = tables[0].replace(/^([ \t]*workers_dev[ \t]*=[ \t]*)true\b/m, '$1false');
  if (!routed || tables.join('') === config) return;
  step('The address at workers.dev');
  writeFileSync(CONFIG, tables.join(''));
  console.log(`${CONFIG} has routes, so this deployment turns it off: wrote workers_dev = false. Commit that change.`);
}

/** Deploys; the address to ask, undefined if none leads to every path. */
async function upload() {
  step('Build and upload');
  const folder = mkdtempSync(join(tmpdir(), 'edge-auth-'));
  try {
    const output = join(folder, 'output');
    const result = await wranglerHere(['deploy'], { shown: true, env: { WRANGLER_OUTPUT_FILE_PATH: output } });
    if (!result.ok) throw new Stop(`Not deployed. What wrangler says above is the reason; the Worker of before goes on. ${AGAIN}`);
    const entries = readFileSync(output, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
    const targets = entries.findLast(({ type }) => type === 'deploy')?.targets ?? [];
    return targets.map(address).find(Boolean);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** wrangler names targets as https://a.workers.dev, b.example.com (custom domain), c.example.com/* (zone name: example.com). */
function address(target) {
  if (/^https?:\/\//.test(target)) return target.replace(/\/$/, '');
  const host = target.match(/^([a-z0-9.-]+\.[a-z]+)(?:\/\*)?(?: \((?:custom domain|zone)\b.*)?$/i)?.[1];
  return host && `https://${host}`;
}

async function awaitHealth(url, patienceMs) {
  step(`${url}/healthz, until it answers 200`);
  const end = Date.now() + patienceMs;
  let last;
  for (let wait = 100; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    try {
      const response = await fetch(`${url}/healthz`, { redirect: 'manual', signal: AbortSignal.timeout(10_000) });
      await response.body?.cancel();
      if (response.status === 200) break;
      last = response.status;
    } catch (error) {
      last = error.cause?.code ?? error.name;
    }
    if (Date.now() + wait > end) {
      const hints = {
        500: 'A setting is missing or wrong; `npx wrangler tail` and one more request name it.',
        503: 'The database does not answer; see `npx wrangler d1 info DB`.',
      };
      throw new Stop(`It is deployed but not well: ${last}. ${hints[last] ?? 'Is the address reachable from here? `npx wrangler tail` shows what comes in.'}`);
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
  console.log(`Answers 200. edge-auth is at ${url}`);
}

/** Says so where the Worker that was deployed sends no mail. */
function tellOfMail() {
  const mail = workerSetting('MAIL', { remote: true }) ?? 'none';
  if (mail !== 'none') return;
  step('Mail');
  console.log(`It is off, so nobody can choose a new password in place of a forgotten one. PUBLIC_URL, MAIL and MAIL_FROM under
[vars] in ${CONFIG} switch it on; docs/mail.md says who can take the mails.`);
}

function patience() {
  const [flag, ...more] = process.argv.slice(2);
  const seconds = flag === undefined ? PATIENCE_S : Number(flag.match(/^--patience=(\d+)$/)?.[1]);
  if (more.length || Number.isNaN(seconds)) throw wrongUse('Usage: make deploy [YES=1]; node scripts/deploy.mjs [--patience=SECONDS]');
  return seconds * 1000;
}

run(async () => {
  const patienceMs = patience();
  yes = isOn('YES');
  await logIn();
  await makeDatabase();
  await setSecrets();
  await migrate();
  await deployExample();
  closeWorkersDev();
  const url = await upload();
  if (url) await awaitHealth(url, patienceMs);
  else console.log('\nDeployed. No address leads to its /healthz; ask one of its routes.');
  tellOfMail();
});
