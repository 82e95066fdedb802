// Imports accounts: `make import FILE=users.ndjson`, a JSON object a line, into the service at URL. The file is read and sent
// piece by piece. Beside it FILE.progress says how far it got, so that the same command goes on after an interruption, and
// FILE.skipped which lines the service did not take.
import { appendFileSync, closeSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { ask, askUnseen, given, run, Stop, wrongUse } from './operator.mjs';

// The service takes 10,000 lines and 8 MiB in a request. Fewer lines show progress, and repeat less after a cut.
const LINES = 2000;
const BYTES = 8 * 1024 * 1024;
const READ_BYTES = 256 * 1024;

const TIMEOUT_MS = 120_000;
const TRIES = 8;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
const LONGEST_RETRY_AFTER_S = 900;

// What the service says of a line whose very account it has, as of the lines that arrived before a connection was cut. A name
// that another account has is an account lost.
const THERE_ALREADY = 'Already imported';
// Refused lines on the screen; all are in FILE.skipped.
const SHOWN = 20;

const AGAIN = 'The same command goes on from there.';
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Pieces of the file from `offset` on, each of whole lines; a last line needs no line end. */
async function* pieces(handle, offset, firstLine) {
  let held = Buffer.alloc(0);
  let ended = false;
  let line = firstLine;
  for (;;) {
    let lines = 0;
    let end = 0;
    while (lines < LINES) {
      const next = held.indexOf(0x0a, end) + 1;
      if (next === 0 || next > BYTES) break;
      end = next;
      lines++;
    }
    if (ended && lines < LINES && end < held.length && held.length <= BYTES) {
      end = held.length;
      lines++;
    }
    const full = lines === LINES || held.length > BYTES;
    if (!full && !ended) {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(READ_BYTES), 0, READ_BYTES, offset + held.length);
      ended = bytesRead === 0;
      held = Buffer.concat([held, buffer.subarray(0, bytesRead)]);
      continue;
    }
    if (end === 0) {
      if (held.length === 0) return;
      throw new Stop(`Line ${line} is longer than 8 MiB, the most that the service takes. Every line before it was sent.`);
    }
    offset += end;
    yield { body: held.subarray(0, end), lines, firstLine: line, end: offset };
    held = held.subarray(end);
    line += lines;
  }
}

/** Where to. Password hashes do not cross a network in the clear. */
function service() {
  let url;
  try {
    url = new URL(given('URL') ?? 'http://localhost:8787');
  } catch {
    throw wrongUse(`URL is no address: ${given('URL')}`);
  }
  const here = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url.protocol !== 'https:' && !(here && url.protocol === 'http:')) {
    throw wrongUse('URL has to begin with https://, as password hashes are sent there; http:// is for this machine alone.');
  }
  return url.href.replace(/\/+$/, '');
}

/** How long to wait before the next of so many tries. */
function waitMs(tries, retryAfter) {
  if (retryAfter !== null) {
    const seconds = /^\d+$/.test(retryAfter) ? Number(retryAfter) : (Date.parse(retryAfter) - Date.now()) / 1000;
    if (seconds > LONGEST_RETRY_AFTER_S) throw new Stop(`The service wants ${retryAfter} seconds of rest. ${AGAIN}`);
    if (seconds >= 0) return seconds * 1000;
  }
  return Math.min(FIRST_WAIT_MS * 2 ** tries, LONGEST_WAIT_MS);
}

/** Posts, and posts again if the connection is cut or the service is busy or unwell. */
async function post(url, headers, body) {
  for (let tries = 0; ; tries++) {
    let trouble;
    let retryAfter = null;
    try {
      const response = await fetch(url, {
        method: 'POST', headers, body, redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const text = await response.text();
      if (response.status < 500 && response.status !== 429) return { status: response.status, answer: parsed(text) };
      trouble = `${response.status} ${parsed(text)?.error ?? ''}`.trim();
      retryAfter = response.headers.get('Retry-After');
    } catch (error) {
      trouble = error.cause?.code ?? error.cause?.message ?? error.message;
    }
    if (tries + 1 === TRIES) throw new Stop(`Given up after ${TRIES} tries: ${trouble} (${url}). ${AGAIN}`);
    const ms = waitMs(tries, retryAfter);
    progress.note(`${trouble}; trying again in ${(ms / 1000).toFixed(1)} s`);
    await pause(ms);
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const JSON_TYPE = { 'Content-Type': 'application/json' };

/** Who imports: a token that is given, or an administrator who signs in, and again when the token has expired. */
class Caller {
  #url;
  #credentials;
  token;

  constructor(url) {
    this.#url = url;
    this.token = given('TOKEN');
  }

  /** Gets a token if there is none, or a new one; false if it cannot. */
  async signIn() {
    if (!this.#credentials && this.token) return false;
    this.#credentials ??= await this.#ask();
    const { status, answer } = await post(`${this.#url}/api/auth/login`, JSON_TYPE, JSON.stringify(this.#credentials));
    if (status !== 200 || typeof answer?.access_token !== 'string') {
      throw new Stop(`Signing in at ${this.#url}: ${status} ${answer?.error ?? 'is that edge-auth?'}`);
    }
    this.token = answer.access_token;
    return true;
  }

  async #ask() {
    const email = given('EMAIL') ?? ask('E-mail address of an admin: ');
    const password = email && (await askUnseen('Password: '));
    if (!email || !password) throw wrongUse('Who imports? Give an admin\'s e-mail address and password, or TOKEN=….');
    return { email, password };
  }
}

async function send(url, caller, body) {
  const attempt = () =>
    post(
      `${url}/api/admin/users/import`,
      { 'Content-Type': 'application/x-ndjson', Authorization: `Bearer ${caller.token}` },
      body,
    );
  let { status, answer } = await attempt();
  if (status === 401 && (await caller.signIn())) ({ status, answer } = await attempt());
  if (status === 200 && Number.isInteger(answer?.imported) && Array.isArray(answer.skipped)) return answer;
  const why = {
    401: 'The token is not good, or not any more: get a new one.',
    403: 'That account is no admin: `make admin EMAIL=…` makes it one.',
    404: 'There is no import: is that edge-auth, and a version that has it?',
  };
  throw new Stop(`${why[status] ?? `${url} answers ${status} ${answer?.error ?? answer?.msg ?? ''}`.trim()} ${AGAIN}`);
}

const progress = {
  start: Date.now(),
  drawn: false,
  sent: 0,
  show(state) {
    const rate = Math.round(this.sent / Math.max((Date.now() - this.start) / 1000, 0.001));
    const text = `${state.lines} lines: ${state.imported} imported, ${state.there} there already, ${state.refused} refused; ${rate} users/s`;
    this.drawn = process.stderr.isTTY === true;
    process.stderr.write(this.drawn ? `\r\x1b[K${text}` : `${text}\n`);
  },
  note(text) {
    if (this.drawn) process.stderr.write('\n');
    this.drawn = false;
    process.stderr.write(`${text}\n`);
  },
};

/** How far an import of this very file into this service got. */
function resumed(file, fresh) {
  let state;
  try {
    state = parsed(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    return fresh;
  }
  if (!['size', 'modified', 'url'].every((key) => state?.[key] === fresh[key])) {
    progress.note(`${file} is of another file or another service: starting at line 1. Accounts that are there are not made twice.`);
    return fresh;
  }
  progress.note(`Going on after line ${state.lines}, as ${file} says.`);
  return state;
}

async function importFile(file, url) {
  const stateFile = `${file}.progress`;
  const skippedFile = `${file}.skipped`;
  let handle;
  try {
    handle = await open(file);
  } catch (error) {
    throw wrongUse(`${file} cannot be read: ${error.code}`);
  }
  const { size, mtimeMs } = await handle.stat();
  const fresh = { size, modified: mtimeMs, url, offset: 0, lines: 0, imported: 0, there: 0, refused: 0 };
  const state = resumed(stateFile, fresh);
  if (state === fresh) closeSync(openSync(skippedFile, 'w', 0o600));

  const caller = new Caller(url);
  if (!caller.token) await caller.signIn();
  progress.note(`Importing ${file} into ${url}.`);
  for await (const { body, lines, firstLine, end } of pieces(handle, state.offset, state.lines + 1)) {
    const { imported, skipped } = await send(url, caller, body);
    const inFile = skipped.map(({ line, error }) => ({ line: firstLine - 1 + line, error }));
    appendFileSync(skippedFile, inFile.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    for (const { line, error } of inFile) {
      if (error === THERE_ALREADY) state.there++;
      else if (++state.refused <= SHOWN) progress.note(`line ${line}: ${error}`);
      else if (state.refused === SHOWN + 1) progress.note(`More refused lines are in ${skippedFile}.`);
    }
    state.imported += imported;
    state.lines += lines;
    state.offset = end;
    progress.sent += lines;
    writeFileSync(`${stateFile}.new`, JSON.stringify(state), { mode: 0o600 });
    renameSync(`${stateFile}.new`, stateFile);
    progress.show(state);
  }
  await handle.close();
  rmSync(stateFile, { force: true });
  if (state.there + state.refused === 0) rmSync(skippedFile, { force: true });
  progress.note(`Done: ${state.lines} lines, ${state.imported} imported, ${state.there} there already, ${state.refused} refused.`);
  if (state.there + state.refused > 0) progress.note(`${skippedFile} has the lines that were not imported, with the reason.`);
  if (state.refused > 0) process.exitCode = 1;
}

process.once('SIGINT', () => {
  progress.note(`Stopped. ${AGAIN}`);
  process.exit(130);
});

run(async () => {
  const file = given('FILE');
  if (!file) throw wrongUse('Which file? make import FILE=users.ndjson URL=https://auth.example.com');
  await importFile(file, service());
});
