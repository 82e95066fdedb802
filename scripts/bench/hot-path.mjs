// The hot path of ours and of its twin on Hono: CPU ms a request, over bursts that the processes serve in turn, so that all of
// them meet the same machine. A figure is the 20 % quantile of its bursts, which other load moves less than the median. How far
// the quotient of two processes of one twin is from 1 says what the other quotients are worth.
import assert from 'node:assert/strict';
import { exchange, get, logIn, openSession, quantile, refresh, register, row, send, unknown, user } from './support.mjs';
import { loggingTwin, ours, quietTwin, startEither } from './twins.mjs';

/**
 * Rounds before those that count, rounds that do, requests of a burst, and how many of them are under way at once: of one
 * alone, half of the time goes into waking the process.
 */
const CHEAP = { warmUps: 20, rounds: 30, requests: 250, atOnce: 10 };
const READING = { warmUps: 15, rounds: 30, requests: 100, atOnce: 10 };
// The database writes to the disk.
const WRITING = { warmUps: 10, rounds: 20, requests: 50, atOnce: 10 };
// Ours lets sign-ins of one account wait for each other.
const HASHING = { warmUps: 1, rounds: 20, requests: 4, atOnce: 1 };

// An account mostly signs in from one address, and no address registers often.
const HOME = ['CF-Connecting-IP', '192.0.2.1'];
const fromHome = (request) => ({ ...request, headers: HOME });

let newcomers = 0;
const newcomer = () => ({ ...register, body: { ...user, email: `newcomer${++newcomers}@example.com` } });

/** The token with another first character of its signature. */
const forge = (token) => token.replace(/\.(.)([^.]*)$/, (_, first, rest) => `.${first === 'A' ? 'B' : 'A'}${rest}`);

const refused = (request) => ({ ...request, status: 401 });

/** `first` makes a request for a token and a session, `next` the one after an answer, where it is another. */
const ROUTES = [
  { name: 'a path that does not exist', size: CHEAP, first: () => unknown },
  { name: 'GET /api/auth/me, forged token', size: CHEAP, first: (token) => refused(get('/api/auth/me', forge(token))) },
  { name: 'GET /api/auth/me', size: READING, first: (token) => get('/api/auth/me', token) },
  { name: '/verify', size: READING, first: (token) => get('/verify', token) },
  {
    name: 'POST /api/auth/refresh',
    size: WRITING,
    first: (_, session) => fromHome(refresh(session.refresh_token)),
    next: (session) => fromHome(refresh(session.refresh_token)),
  },
  { name: 'POST /api/auth/login', size: HASHING, first: () => fromHome(logIn) },
  { name: 'POST /api/auth/register', size: HASHING, first: newcomer, next: newcomer },
];

/** What a client sees of an answer, without what differs from one to the next. */
function visible({ status, headers, json }) {
  const named = Object.fromEntries(headers.map((name, i) => [name.toLowerCase(), headers[i + 1]]).filter((_, i) => i % 2 === 0));
  // The twin's JSON has no newline at its end.
  delete named['content-length'];
  if (named['x-auth-token-id']) named['x-auth-token-id'] = 'an id';
  const body = JSON.parse(JSON.stringify(json), (key, value) => {
    if (key === 'access_token') return Object.keys(claims(value)).sort();
    if (key === 'refresh_token') return typeof value;
    return ['email', 'created_at', 'updated_at'].includes(key) ? value.replace(/\d+/g, '0') : value;
  });
  return { status, headers: named, body };
}

const claims = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

/** Makes an account and a session for each request that is under way at once. */
async function prepare(worker) {
  const { server, cpuMs } = await startEither(worker);
  const seen = [];
  const see = async (name, request) => {
    const answer = await exchange(server, request);
    seen.push([name, visible(answer)]);
    return answer.json;
  };
  const { access_token: token } = await see('the first account', fromHome(register));
  const sessions = [];
  for (let i = 0; i < WRITING.atOnce; i++) sessions.push(await see('a session', fromHome(openSession)));
  for (const { name, first } of ROUTES) {
    const answer = await see(name, first(token, sessions[0]));
    if (answer.refresh_token) sessions[0] = answer;
  }
  const lines = (await server.logs()).map((line) => Object.keys(JSON.parse(line)).sort());
  return { server, cpuMs, token, sessions, seen, lines };
}

async function burst({ server, requests }, next, { requests: count, atOnce }) {
  const connection = async (_, i) => {
    for (let sent = i; sent < count; sent += atOnce) requests[i] = next(await send(server, requests[i]));
  };
  await Promise.all(Array.from({ length: atOnce }, connection));
}

/** The CPU ms of a request in each process. */
async function measure(processes, { size, first, next }) {
  for (const process of processes) {
    process.requests = process.sessions.slice(0, size.atOnce).map((session) => first(process.token, session));
    process.readings = [];
  }
  for (let round = -size.warmUps; round < size.rounds; round++) {
    // Nobody is always the first, nor always after the same one.
    processes.push(processes.shift());
    for (const process of round % 2 ? processes : processes.toReversed()) {
      if (round >= 0) process.readings.push(process.cpuMs());
      const [same] = process.requests;
      await burst(process, next ?? (() => same), size);
    }
  }
  for (const process of processes) {
    // From one burst to the next: what a request leaves to be done after its answer is its own.
    const readings = [...process.readings, process.cpuMs()];
    const bursts = process.readings.map((reading, i) => (readings[i + 1] - reading) / size.requests);
    process.cpu = quantile(bursts, 0.2);
  }
}

export default async function hotPath() {
  const own = await prepare(ours);
  const quiet = await prepare(quietTwin);
  const logging = await prepare(loggingTwin);
  const again = await prepare(quietTwin);
  for (const twin of [quiet, logging]) assert.deepEqual(twin.seen, own.seen, 'the twin answers otherwise');
  assert.deepEqual(logging.lines, own.lines, 'the twin logs otherwise');
  assert.deepEqual(quiet.lines, []);

  row('hot path, CPU ms/request', 'ours', 'twin', 'logging twin', 'ours/twin', 'ours/logging', 'twin/twin');
  const processes = [own, quiet, logging, again];
  for (const route of ROUTES) {
    await measure(processes, route);
    const figures = [own.cpu, quiet.cpu, logging.cpu].map((cpu) => cpu.toFixed(3));
    const quotients = [own.cpu / quiet.cpu, own.cpu / logging.cpu, again.cpu / quiet.cpu];
    row(route.name, ...figures, ...quotients.map((quotient) => quotient.toFixed(2)));
  }
  for (const { server } of [own, quiet, logging, again]) await server.stop();
}
