// Measures the CPU time that workerd spends on a request, one request after the other. Linux only.
import http from 'node:http';
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
await standard.stop();

const native = await start(built('build'), { PASSWORD_HASH: 'pbkdf2-sha256', PASSWORD_ITERATIONS: '100000' }, agent);
await send(native, register);
await measure(native, 'log in, 100,000 of PBKDF2-SHA-256 (WebCrypto)', SLOW, logIn);
await native.stop();
agent.destroy();
