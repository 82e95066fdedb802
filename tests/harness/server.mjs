// Runs a Worker in workerd for the tests, with a real D1, and talks HTTP to it over a socket.
import crypto from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';

import { built, moduleFile, moduleText } from './workers.mjs';

// The test runner copies this file elsewhere, but runs it in the project's folder.
const root = process.cwd();
const require = createRequire(path.join(root, 'package.json'));
// wrangler would say that it uses .dev.vars, which is not so here.
process.env.WRANGLER_LOG ??= 'warn';
const { Miniflare, convertV4MiniflareOptions } = require('miniflare');
const wrangler = require('wrangler');
const WebSocket = require('ws');
// Only what Rust names is copied beside this file.
const { Providers } = require(path.join(root, 'tests/harness/providers.mjs'));

const ANSWER_TIMEOUT_MS = 30_000;
const SILENCE_TIMEOUT_MS = 2_000;
// The unit of /proc/<pid>/stat.
const TICKS_PER_SECOND = 100;

// The Rust tests know it as harness::SECRET.
const JWT_SECRET = 'forty-eight characters that only the tests know.';

// As harness::DATA_KEY.
const DATA_KEY = 'VGhpcnR5LXR3byBieXRlcyB0aGF0IHRlc3RzIGtub3c';

/** Starts a Worker as wrangler.toml says; `overrides` are vars and secrets, and null takes a binding away. */
export const start = (worker, overrides = {}, agent = false) => startEach(worker, [overrides], agent);

/** Starts a Worker once with each of these overrides, all on one database. */
export async function startEach(worker, settings, agent = false) {
  const server = new Server(worker, settings, agent);
  await server.prepareDatabase();
  return server;
}

let addresses = 0;

/** An address that no request has come from. */
const strangeAddress = () => `10.${(++addresses >> 16) & 255}.${(addresses >> 8) & 255}.${addresses & 255}`;

const sharedServers = new Map();

/** The one server of all tests that need no other than with these overrides. */
export function shared(overrides) {
  const key = JSON.stringify(overrides);
  if (!sharedServers.has(key)) sharedServers.set(key, start(built('build'), overrides));
  return sharedServers.get(key);
}

/** The texts of the migrations, in the order in which a deployment runs them. */
export function migrations() {
  const folder = path.join(root, 'migrations');
  return readdirSync(folder).sort().map((file) => readFileSync(path.join(folder, file), 'utf8'));
}

/** Runs SQL as wrangler does: split into statements, all of them or none. */
const apply = (db, text) => db.batch(wrangler.unstable_splitSqlQuery(text).map((statement) => db.prepare(statement)));

/** What a new database holds after these SQL texts, run one after the other. */
export async function schemaAfter(...texts) {
  const options = { modules: true, script: 'export default {}', d1Databases: ['DB'] };
  const miniflare = new Miniflare(convertV4MiniflareOptions(options));
  try {
    const { DB } = await miniflare.getBindings();
    for (const text of texts) await apply(DB, text);
    const { results } = await DB.prepare(
      "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE '\\_cf\\_%' ESCAPE '\\' ORDER BY type, name",
    ).all();
    return results;
  } finally {
    await miniflare.dispose();
  }
}

// Console lines come by a pipe, not with the answer. This Worker writes to the same pipes: after its line has
// come, so have all before it.
const ECHO = {
  name: 'echo',
  compatibilityDate: '2026-01-01',
  modulesRoot: root,
  modules: [
    moduleText(
      'tests/harness/echo.js',
      `export default {
        async fetch(request) {
          const line = await request.text();
          console.log(line);
          console.error(line);
          return new Response();
        },
      };`,
    ),
  ],
};

/** The Workers that are bound as services: the example of wrangler.toml, and one that says what reached it. */
const SERVICES = { BOOKSTORE: ['bookstore', 'examples/bookstore/index.js'], UPSTREAM: ['upstream', 'tests/harness/upstream.js'] };

const service = ([name, file], compatibilityDate, providers) => ({
  name,
  compatibilityDate,
  modulesRoot: root,
  modules: [moduleFile('ESModule', file)],
  serviceBindings: { PROVIDERS: (request) => providers.fetch(request) },
  unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
});

class Server {
  #id = crypto.randomUUID();
  #lines = [];
  #providers = new Providers();
  #echoes = new Map();
  #agent;
  #clockAheadMs = 0;
  #miniflare;
  #addresses;
  #names;
  #cron;
  #mailCron;

  constructor(worker, settings, agent) {
    const config = wrangler.unstable_readConfig({ config: path.join(root, 'wrangler.toml') });
    const name = (i) => (i === 0 ? config.name : `${config.name}-${i}`);
    const workers = settings.map((overrides, i) => this.#options(config, name(i), worker, overrides));
    const services = Object.values(SERVICES).map((entry) => service(entry, config.compatibility_date, this.#providers));
    this.#names = workers.map(({ name }) => name);
    [this.#mailCron, this.#cron] = config.triggers.crons;
    this.#agent = agent;
    this.#miniflare = new Miniflare(
      convertV4MiniflareOptions({
        workers: [...workers, ...services, ECHO],
        unsafeRuntimeEnv: { TEST_SERVER_ID: this.#id },
        handleStructuredLogs: ({ message }) => this.#receiveLine(message),
      }),
    );
  }

  #options(config, name, { main, modules }, overrides) {
    // Made anew for each Worker: bindings are deleted from it.
    const { workerOptions } = wrangler.unstable_getMiniflareWorkerOptions(config);
    const options = {
      ...workerOptions,
      name,
      modulesRoot: root,
      modules: [
        moduleText(
          'tests/harness/main.js',
          `import { limited } from './cloudflare_limits.js';
          import worker from ${JSON.stringify(main)};
          export default limited(worker);`,
        ),
        moduleFile('ESModule', 'tests/harness/cloudflare_limits.js'),
        ...modules,
      ],
      // Not those of workerOptions, which hold the developer's .dev.vars.
      bindings: { ...config.vars, JWT_SECRET, DATA_KEY },
      serviceBindings: Object.fromEntries(Object.entries(SERVICES).map(([binding, [name]]) => [binding, name])),
      // Whatever host the Worker calls.
      outboundService: 'upstream',
      // Miniflare's own socket rewrites paths and headers; this one leads straight to the Worker.
      unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
    };
    for (const [name, value] of Object.entries(overrides)) {
      if (value === null) {
        const { bindings, d1Databases, email, ratelimits, serviceBindings } = options;
        for (const kind of [bindings, d1Databases, ratelimits, serviceBindings]) delete kind[name];
        options.email = { ...email, send_email: email.send_email.filter((each) => each.name !== name) };
      } else {
        options.bindings[name] = value;
      }
    }
    return options;
  }

  async prepareDatabase() {
    this.#addresses = await Promise.all(this.#names.map((name) => this.#miniflare.unsafeGetDirectURL(name)));
    const { DB } = await this.#miniflare.getBindings();
    if (DB) await apply(DB, migrations().join('\n'));
  }

  /** The URL that leads to the Worker. */
  get url() {
    return this.#addresses[0];
  }

  /** Where one of its services listens by itself. */
  serviceAddress(name) {
    return this.#miniflare.unsafeGetDirectURL(name);
  }

  /** Sets the clock of a Worker that stand_ins.js has given one: how far it is ahead from now on. */
  setClock(aheadMs) {
    this.#clockAheadMs = aheadMs;
  }

  /**
   * Sends a request as it is given, from an address of its own unless `headers` has one: `headers` is
   * [name, value, …]; `chunked` sends no length; the body's last byte is held back for `holdBackMs`; `worker` is the
   * index of the settings with which the Worker answers.
   */
  send(method, target, headers, chunks, chunked, holdBackMs, worker = 0) {
    const address = this.#addresses[worker];
    const given = new Set(headers.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase()));
    const added = given.has('host') ? [] : ['Host', address.host];
    if (!given.has('cf-connecting-ip')) added.push('CF-Connecting-IP', strangeAddress());
    if (this.#clockAheadMs) added.push('Clock-Ahead-Ms', `${this.#clockAheadMs}`);
    if (!given.has('content-length') && !given.has('transfer-encoding')) {
      if (chunked) added.push('Transfer-Encoding', 'chunked');
      else if (chunks.length || !['GET', 'HEAD'].includes(method)) added.push('Content-Length', `${Buffer.concat(chunks).length}`);
    }
    let sent = performance.now();
    return new Promise((resolve, reject) => {
      const request = http.request({
        host: address.hostname,
        port: address.port,
        agent: this.#agent,
        method,
        path: target,
        headers: [...added, ...headers],
        maxHeaderSize: 1 << 20,
      });
      request.setTimeout(ANSWER_TIMEOUT_MS, () => request.destroy(new Error(`no answer to ${method} ${target}`)));
      request.on('error', reject);
      request.on('response', async (response) => {
        try {
          const body = Buffer.concat(await response.toArray());
          const waitedMs = performance.now() - sent;
          resolve({ status: response.statusCode, headers: response.rawHeaders, body, waitedMs });
        } catch (error) {
          reject(error);
        }
      });
      if (holdBackMs) {
        const body = Buffer.concat(chunks);
        request.write(body.subarray(0, -1));
        setTimeout(() => request.end(body.subarray(-1), () => (sent = performance.now())), holdBackMs);
      } else {
        for (const chunk of chunks) request.write(chunk);
        request.end();
      }
    });
  }

  /** Sends a request by the runtime's own way into a Worker, which then sees an https URL. No socket here speaks TLS. */
  async sendOverHttps(method, target, headers, chunks, worker) {
    const entry = await this.#miniflare.getWorker(this.#names[worker]);
    const pairs = headers.flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1]]] : []));
    const body = chunks.length > 0 ? Buffer.concat(chunks) : undefined;
    const sent = performance.now();
    const init = { method, headers: pairs, body, redirect: 'manual' };
    const response = await entry.fetch(`https://auth.example.com${target}`, init);
    const answer = Buffer.from(await response.arrayBuffer());
    const waitedMs = performance.now() - sent;
    return { status: response.status, headers: [...response.headers].flat(), body: answer, waitedMs };
  }

  /**
   * Sends the first chunk of a body, and the rest once the answer's first chunk has come: whoever between here and there
   * keeps either to himself, waits for ever. Says the answer's first chunk and its whole body.
   */
  sendInterleaved(target, headers, first, rest) {
    const [address] = this.#addresses;
    return new Promise((resolve, reject) => {
      const request = http.request({
        host: address.hostname,
        port: address.port,
        method: 'POST',
        path: target,
        headers: ['Host', address.host, 'Transfer-Encoding', 'chunked', ...headers],
      });
      request.setTimeout(ANSWER_TIMEOUT_MS, () => request.destroy(new Error(`no answer to ${target}`)));
      request.on('error', reject);
      request.on('response', (response) => {
        const chunks = [];
        response.on('error', reject);
        response.on('data', (chunk) => {
          if (chunks.push(chunk) === 1) request.end(rest);
        });
        response.on('end', () => resolve([chunks[0] ?? Buffer.alloc(0), Buffer.concat(chunks)]));
      });
      request.write(first);
    });
  }

  /**
   * Opens a WebSocket and sends `messages`, texts or arrays of bytes, each once the one before is answered. After the last
   * answer it closes with `close`, a code and a reason (1005 is no code, RFC 6455 section 7.4.1), or breaks off if these
   * are none, or waits for the other side if `close` is null. Says the status of the handshake, its headers, the protocol that was agreed on, what came, and the
   * code and reason that ended it.
   */
  webSocket(target, headers, messages, close) {
    const [{ hostname, port }] = this.#addresses;
    return new Promise((resolve, reject) => {
      const options = { headers: Object.fromEntries(headers), handshakeTimeout: ANSWER_TIMEOUT_MS };
      const socket = new WebSocket(`ws://${hostname}:${port}${target}`, ['echo'], options);
      const timer = setTimeout(() => socket.terminate(), ANSWER_TIMEOUT_MS);
      const received = [];
      let answerHeaders = [];
      const end = (status, closed) => {
        clearTimeout(timer);
        resolve({ status, headers: answerHeaders, protocol: socket.protocol, received, closed });
      };
      socket.on('upgrade', ({ rawHeaders }) => (answerHeaders = rawHeaders));
      socket.on('unexpected-response', (_, { statusCode }) => {
        end(statusCode, []);
        socket.terminate();
      });
      socket.on('error', reject);
      socket.on('message', (data, isBinary) => {
        received.push(isBinary ? [...data] : `${data}`);
        const message = messages[received.length - 1];
        if (message !== undefined) socket.send(Array.isArray(message) ? Buffer.from(message) : message);
        else if (close?.[0] === 1005) socket.close();
        else if (close?.length) socket.close(...close);
        else if (close) socket.terminate();
      });
      socket.on('close', (code, reason) => end(101, [code, `${reason}`]));
    });
  }

  /** Writes bytes to a new connection and reads until the Worker closes it or is silent. */
  raw(bytes, worker) {
    const { port, hostname } = this.#addresses[worker];
    return new Promise((resolve, reject) => {
      const chunks = [];
      const socket = net.connect(port, hostname, () => socket.write(bytes));
      socket.setTimeout(SILENCE_TIMEOUT_MS, () => socket.destroy());
      socket.on('data', (chunk) => chunks.push(chunk));
      socket.on('error', reject);
      socket.on('close', () => resolve(Buffer.concat(chunks)));
    });
  }

  /** Writes bytes to a new connection and closes it once they are on their way. */
  sendAndLeave(bytes) {
    const [{ port, hostname }] = this.#addresses;
    return new Promise((resolve, reject) => {
      const socket = net.connect(port, hostname, () => socket.write(bytes, () => socket.destroy()));
      socket.on('error', reject);
      socket.on('close', resolve);
    });
  }

  /** Runs the Worker's cron trigger, every minute's that sends mail or every hour's; says how it ended. */
  async runCron(everyMinute) {
    const worker = await this.#miniflare.getWorker(this.#names[0]);
    const { outcome } = await worker.scheduled({ cron: everyMinute ? this.#mailCron : this.#cron });
    return outcome;
  }

  async sql(statement, params) {
    const { DB } = await this.#miniflare.getBindings();
    const { results } = await DB.prepare(statement).bind(...params).all();
    return results;
  }

  /** Every line that the Worker has written to its console. */
  async logs() {
    const line = crypto.randomUUID();
    const echoed = new Promise((resolve) => this.#echoes.set(line, { resolve, missing: 2 }));
    const echo = await this.#miniflare.getWorker('echo');
    await echo.fetch('http://echo', { method: 'POST', body: line });
    await echoed;
    return [...this.#lines];
  }

  #receiveLine(line) {
    const echo = this.#echoes.get(line);
    if (!echo) this.#lines.push(line);
    else if (--echo.missing === 0) echo.resolve();
  }

  /** The CPU time that workerd has used. Linux only. */
  cpuMs() {
    const mark = `TEST_SERVER_ID=${this.#id}`;
    const pids = readdirSync('/proc/self/task').flatMap((task) =>
      readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
    );
    const pid = pids.find((child) => readFileSync(`/proc/${child}/environ`, 'utf8').includes(mark));
    // The second field, the name, may hold spaces; user and system time are the 14th and 15th.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
  }

  /** How the servers that the Worker calls answer its next requests; see providers.mjs. */
  providersAnswer(answers) {
    this.#providers.answerWith(answers);
  }

  /** What has reached them since this was last called. */
  providersReceived() {
    return this.#providers.takeReceived();
  }

  async stop() {
    await this.#miniflare.dispose();
  }
}

/** Whether this system has the /proc that cpuMs reads. */
export const measuresCpu = () => process.platform === 'linux';
