// Measures the CPU time that workerd spends on a request, one request after the other. Linux only.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { makeKey } from '../tests/harness/others.mjs';
import { start } from '../tests/harness/server.mjs';
import { built, builtWithin } from '../tests/harness/workers.mjs';

const QUICK = { warmUps: 500, count: 3000 };
const SLOW = { warmUps: 3, count: 30 };

const user = { email: 'bench@example.com', password: 'a password of the benchmark', name: 'Bench' };
const register = { status: 201, method: 'POST', path: '/api/auth/register', body: user };
const logIn = { status: 200, method: 'POST', path: '/api/auth/login', body: user };
const unknown = { status: 404, method: 'GET', path: '/unknown' };
const get = (path, token) => ({ status: 200, method: 'GET', path, headers: ['Authorization', `Bearer ${token}`] });
const refresh = (token) => ({ status: 200, method: 'POST', path: '/api/auth/refresh', body: { refresh_token: token } });

async function send(server, { status, method, path, headers = [], body }) {
  const type = body ? ['Content-Type', 'application/json'] : [];
  const chunks = body ? [Buffer.from(JSON.stringify(body))] : [];
  const answer = await server.send(method, path, [...type, ...headers], chunks, false);
  if (answer.status !== status) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
  return JSON.parse(answer.body);
}

const row = (name, requests, cpu, median = '') =>
  console.log(name.padEnd(44), requests.padStart(8), cpu.padStart(15), median.padStart(10));

/** `next` makes each request of the answer to the one before. */
async function measure(server, name, { warmUps, count }, request, next = () => request) {
  for (let i = 0; i < warmUps; i++) request = next(await send(server, request));
  const before = server.cpuMs();
  for (let i = 0; i < count; i++) request = next(await send(server, request));
  row(name, `${count}`, ((server.cpuMs() - before) / count).toFixed(2));
}

/** A request to a service, by itself and through the gateway, in turns, so that both meet the same machine. */
async function compare(server, token) {
  const direct = await server.serviceAddress('upstream');
  const get = (address) => {
    const sent = performance.now();
    return new Promise((resolve, reject) => {
      const headers = { Authorization: `Bearer ${token}` };
      const request = http.get({ host: address.hostname, port: address.port, path: '/up/large?length=100', headers, agent });
      request.on('error', reject);
      request.on('response', async (response) => {
        await response.toArray();
        if (response.statusCode === 200) resolve(performance.now() - sent);
        else reject(new Error(`${response.statusCode}`));
      });
    });
  };
  const ways = [direct, server.url].map((address) => ({ address, cpuMs: 0, latencies: [] }));
  const rounds = 20;
  const requests = 200;
  // The first two warm up.
  for (let round = -2; round < rounds; round++) {
    for (const way of ways) {
      const before = server.cpuMs();
      const latencies = [];
      for (let i = 0; i < requests; i++) latencies.push(await get(way.address));
      if (round >= 0) {
        way.cpuMs += server.cpuMs() - before;
        way.latencies.push(...latencies);
      }
    }
  }
  const [alone, through] = ways.map(({ cpuMs, latencies }) => {
    latencies.sort((a, b) => a - b);
    return { cpu: cpuMs / latencies.length, median: latencies[latencies.length >> 1] };
  });
  const count = `${rounds * requests}`;
  const added = { cpu: through.cpu - alone.cpu, median: through.median - alone.median };
  const rows = { 'a service by itself': alone, 'the same through the gateway': through, 'what the gateway adds': added };
  for (const [name, { cpu, median }] of Object.entries(rows)) row(name, count, cpu.toFixed(2), median.toFixed(2));
}

/** 100,000 users in ten requests, and how much of the time the database has. */
async function importUsers(server) {
  const hash = `pbkdf2:sha256:260000$abcdefgh$${'00'.repeat(32)}`;
  const line = (n) => JSON.stringify({ email: `user${n}@example.com`, username: `user${n}`, name: 'User', password_hash: hash });
  await send(server, register);
  await server.sql("UPDATE users SET role = 'admin'", []);
  const { access_token: token } = await send(server, logIn);
  const headers = ['Authorization', `Bearer ${token}`, 'Content-Type', 'application/x-ndjson'];
  const seconds = { all: 0, database: 0 };
  const cpuMs = server.cpuMs();
  for (let part = 0; part < 10; part++) {
    const lines = Array.from({ length: 10_000 }, (_, i) => line(part * 10_000 + i));
    const before = (await server.logs()).length;
    const sent = performance.now();
    const answer = await server.send('POST', '/api/admin/users/import', headers, [Buffer.from(lines.join('\n'))], false);
    seconds.all += (performance.now() - sent) / 1000;
    if (JSON.parse(answer.body).imported !== lines.length) throw new Error(`import: ${answer.status} ${answer.body}`);
    const times = (await server.logs()).slice(before).map((text) => text.match(/^database: (\d+) ms$/)?.[1]);
    seconds.database += times.reduce((sum, ms) => sum + Number(ms ?? 0), 0) / 1000;
  }
  const perSecond = (100_000 / seconds.all).toFixed(0);
  const share = ((seconds.database / seconds.all) * 100).toFixed(0);
  row('a user of an import of 100,000', '10', ((server.cpuMs() - cpuMs) / 100_000).toFixed(3));
  console.log(`an import: ${perSecond} users a second, ${share} % of the time in the database`);
  await server.stop();
}

const agent = new http.Agent({ keepAlive: true });
row('', 'requests', 'CPU ms/request', 'median ms');

const standard = await start(built('build'), {}, agent);
await send(standard, register);
await measure(standard, 'a path that does not exist', QUICK, unknown);
await measure(standard, 'log in, cost of wrangler.toml', SLOW, logIn);

// A refused sign-in runs the one derivation of the stored hash and nothing else that costs.
const hashes = readFileSync(join(import.meta.dirname, '../tests/fixtures/old_hashes.jsonl'), 'utf8').trim().split('\n');
for (const form of [
  'pbkdf2:sha256:260000', 'pbkdf2:sha256:600000', 'pbkdf2:sha256:1000000', 'pbkdf2:sha1:150000', 'scrypt:32768:8:1',
  '$2b$10', '$2b$12', '$argon2id$v=19$m=19456,t=2,p=1', '$argon2id$v=19$m=65536,t=3,p=4', '$scrypt$ln=16,r=8,p=1',
  '$pbkdf2-sha256$29000', '$pbkdf2-sha512$25000', '$pbkdf2-sha256$i=600000',
]) {
  const { hash } = hashes.map((line) => JSON.parse(line)).find(({ hash }) => hash.startsWith(form));
  const email = `${Buffer.from(form).toString('hex')}@example.com`;
  await standard.sql("INSERT INTO users (email, name, password_hash) VALUES (?, 'Bench', ?)", [email, hash]);
  const refused = { ...logIn, status: 401, body: { email, password: 'not that password' } };
  await measure(standard, `refused, ${form}`, { warmUps: 1, count: 10 }, refused);
}
await standard.stop();

for (const algorithm of ['HS256', 'EdDSA', 'ES256']) {
  const key = makeKey(algorithm);
  const server = await start(built('build'), { JWT_ALGORITHM: algorithm, JWT_SECRET: key, JWT_PRIVATE_KEY: key }, agent);
  const { access_token: token } = await send(server, register);
  const session = await send(server, { ...logIn, body: { ...user, scope: 'offline_access' } });
  await measure(server, `GET /api/auth/me, ${algorithm}`, QUICK, get('/api/auth/me', token));
  await measure(server, `/verify, ${algorithm}`, QUICK, get('/verify', token));
  const next = (answer) => refresh(answer.refresh_token);
  await measure(server, `POST /api/auth/refresh, ${algorithm}`, QUICK, next(session), next);
  await server.stop();
}

await importUsers(await start(builtWithin('withTimedDatabase')));

const gateway = await start(built('build'), { PROTECTED: '[{"prefix":"/up/","upstream":"UPSTREAM","dialect":"JWT"}]' }, agent);
await send(gateway, register);
await compare(gateway, (await send(gateway, logIn)).access_token);
await gateway.stop();

const argon2id = await start(built('build'), { PASSWORD_HASH: 'argon2id' }, agent);
await send(argon2id, register);
await measure(argon2id, 'log in, argon2id', SLOW, logIn);
await argon2id.stop();

const native = await start(built('build'), { PASSWORD_HASH: 'pbkdf2-sha256', PASSWORD_ITERATIONS: '100000' }, agent);
await send(native, register);
await measure(native, 'log in, 100,000 of PBKDF2-SHA-256 (WebCrypto)', SLOW, logIn);
await native.stop();
agent.destroy();
