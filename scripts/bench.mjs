// Measures the CPU time that workerd spends on a request, one request after the other. Linux only.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { built, start } from '../tests/support/server.mjs';

const QUICK = { warmUps: 500, count: 3000 };
const SLOW = { warmUps: 3, count: 30 };

const user = { email: 'bench@example.com', password: 'a password of the benchmark', name: 'Bench' };
const register = { status: 201, method: 'POST', path: '/api/auth/register', body: user };
const logIn = { status: 200, method: 'POST', path: '/api/auth/login', body: user };
const unknown = { status: 404, method: 'GET', path: '/unknown' };
const me = (token) => {
  const headers = ['Authorization', `Bearer ${token}`];
  return { status: 200, method: 'GET', path: '/api/auth/me', headers };
};

async function send(server, { status, method, path, headers = [], body }) {
  const type = body ? ['Content-Type', 'application/json'] : [];
  const chunks = body ? [Buffer.from(JSON.stringify(body))] : [];
  const answer = await server.send(method, path, [...type, ...headers], chunks, false);
  if (answer.status !== status) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
  return JSON.parse(answer.body);
}

const row = (name, requests, cpu) => console.log(name.padEnd(44), requests.padStart(8), cpu.padStart(15));

async function measure(server, name, { warmUps, count }, request) {
  for (let i = 0; i < warmUps; i++) await send(server, request);
  const before = server.cpuMs();
  for (let i = 0; i < count; i++) await send(server, request);
  row(name, `${count}`, ((server.cpuMs() - before) / count).toFixed(2));
}

const agent = new http.Agent({ keepAlive: true });
row('', 'requests', 'CPU ms/request');

const standard = await start(built('build'), {}, agent);
await send(standard, register);
const { access_token: token } = await send(standard, logIn);
await measure(standard, 'GET /api/auth/me', QUICK, me(token));
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

const argon2id = await start(built('build'), { PASSWORD_HASH: 'argon2id' }, agent);
await send(argon2id, register);
await measure(argon2id, 'log in, argon2id', SLOW, logIn);
await argon2id.stop();

const native = await start(built('build'), { PASSWORD_HASH: 'pbkdf2-sha256', PASSWORD_ITERATIONS: '100000' }, agent);
await send(native, register);
await measure(native, 'log in, 100,000 of PBKDF2-SHA-256 (WebCrypto)', SLOW, logIn);
await native.stop();
agent.destroy();
