#!/usr/bin/env node
// Stands in for wrangler, and for Cloudflare behind it: the file that FAKE_WRANGLER names holds what there is, and which
// command fails. Each call is noted there with its arguments and its input.
import { readFileSync, writeFileSync } from 'node:fs';

const args = process.argv.slice(2);
const file = process.env.FAKE_WRANGLER;
const world = JSON.parse(readFileSync(file, 'utf8'));
const command = args.join(' ');
const input = command.startsWith('secret put') ? readFileSync(0, 'utf8') : undefined;
world.calls.push({ command, args, input, account: process.env.CLOUDFLARE_ACCOUNT_ID });

const json = (value) => console.log(JSON.stringify(value, null, 2));
let exitCode = 0;

/** As wrangler words an error. */
function fail(text) {
  console.error(`\x1b[31m✘ \x1b[41;31m[\x1b[41;97mERROR\x1b[41;31m]\x1b[0m \x1b[1m${text}\x1b[0m\n`);
  exitCode = 1;
}

const option = (name) => args[args.indexOf(name) + 1];
const broken = (world.failing ?? []).find((failing) => command.startsWith(failing));
if (broken) fail(`${broken} does not work today`);
else if (command === 'whoami --json') {
  json(world.account ? { loggedIn: true, email: world.account, accounts: world.accounts ?? [{ name: 'One', id: 'a1' }] } : { loggedIn: false });
  if (!world.account) exitCode = 1;
} else if (command === 'login') world.account = 'ann@example.com';
else if (command === 'd1 list --json') json(world.databases);
else if (command.startsWith('d1 create ')) world.databases.push({ name: args[2], uuid: '11111111-2222-3333-4444-555555555555' });
else if (command === 'secret list --format json') {
  if (world.worker) json(world.secrets.map((name) => ({ name, type: 'secret_text' })));
  else fail('Worker "edge-auth" not found.\n\nIf this is a new Worker, run `wrangler deploy` first to create it.');
} else if (command.startsWith('secret put ')) {
  world.worker = true;
  world.secrets.push(args[2]);
} else if (command === 'd1 migrations list DB --remote') {
  console.log(world.missing.length ? `Migrations to be applied:\n${world.missing.map((name) => `│ ${name} │`).join('\n')}` : '✅ No migrations to apply!');
} else if (command === 'd1 migrations apply DB --remote') world.missing = [];
else if (command === 'deployments list -c examples/bookstore/wrangler.toml') {
  if (!world.example) fail('This Worker does not exist on your account.');
} else if (command === 'deploy -c examples/bookstore/wrangler.toml') world.example = true;
else if (command === 'deploy') {
  console.log('Uploaded edge-auth');
  world.deployed = readFileSync('wrangler.toml', 'utf8');
  const entries = [{ type: 'wrangler-session' }, { type: 'deploy', targets: world.targets }];
  writeFileSync(process.env.WRANGLER_OUTPUT_FILE_PATH, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
} else if (command.startsWith('d1 export ')) {
  console.log('You can also download your export from the following URL manually: https://signed.example.com');
  writeFileSync(option('--output'), world.dump);
} else if (command.startsWith('d1 execute ')) {
  const statements = world.rows.shift() ?? [[]];
  json(statements.map((results) => ({ results, success: true })));
} else fail(`unknown command: ${command}`);

writeFileSync(file, JSON.stringify(world));
process.exitCode = exitCode;
