// What the parts of `make bench` share: processes whose CPU time is read, requests, and tables.
import { readFileSync, readdirSync } from 'node:fs';
import http from 'node:http';
import { start } from '../../tests/harness/server.mjs';

export const agent = new http.Agent({ keepAlive: true });

const workerds = () =>
  readdirSync('/proc/self/task')
    .flatMap((task) => readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean))
    .filter((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'workerd');

/** Starts a Worker. `cpuMs` is the CPU time of its process, which the server's own knows to 10 ms only. */
export async function startProcess(worker, settings = {}) {
  const others = new Set(workerds());
  const server = await start(worker, settings, agent);
  const [pid] = workerds().filter((pid) => !others.has(pid));
  // The first figure is the time that the thread has run.
  const nanoseconds = (thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  const cpuMs = () => readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + nanoseconds(thread), 0) / 1e6;
  return { server, cpuMs };
}

export const user = { email: 'bench@example.com', password: 'a password of the benchmark', name: 'Bench' };
export const register = { status: 201, method: 'POST', path: '/api/auth/register', body: user };
export const logIn = { status: 200, method: 'POST', path: '/api/auth/login', body: user };
export const openSession = { ...logIn, body: { ...user, scope: 'offline_access' } };
export const unknown = { status: 404, method: 'GET', path: '/unknown' };
export const get = (path, token) => ({ status: 200, method: 'GET', path, headers: ['Authorization', `Bearer ${token}`] });
export const refresh = (token) => ({ status: 200, method: 'POST', path: '/api/auth/refresh', body: { refresh_token: token } });

/** Sends a request and says its answer, with the body parsed. */
export async function exchange(server, { status, method, path, headers = [], body }) {
  const type = body ? ['Content-Type', 'application/json'] : [];
  const chunks = body ? [Buffer.from(JSON.stringify(body))] : [];
  const answer = await server.send(method, path, [...type, ...headers], chunks, false);
  if (answer.status !== status) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
  return { ...answer, json: JSON.parse(answer.body) };
}

export const send = async (server, request) => (await exchange(server, request)).json;

/** Prints a line of a table: the first cell is a text, the others are figures. */
export const row = (first, ...figures) => console.log(first.padEnd(46) + figures.map((figure) => figure.padStart(15)).join(''));

export const heading = () => row('', 'requests', 'CPU ms/request', 'median ms');

/** `next` makes each request of the answer to the one before. */
export async function measure({ server, cpuMs }, name, { warmUps, count }, request, next = () => request) {
  for (let i = 0; i < warmUps; i++) request = next(await send(server, request));
  const before = cpuMs();
  for (let i = 0; i < count; i++) request = next(await send(server, request));
  row(name, `${count}`, ((cpuMs() - before) / count).toFixed(2));
}

/** The value that a share of `values` lies below. */
export const quantile = (values, share) => values.toSorted((a, b) => a - b)[Math.floor(values.length * share)];

export const median = (values) => quantile(values, 0.5);
