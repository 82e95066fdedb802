// Runs the operator's scripts in a folder of their own, with a wrangler that stands in for the real one.
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

const NOTHING_YET = {
  account: 'ann@example.com',
  databases: [],
  worker: false,
  secrets: [],
  missing: ['0001_schema.sql'],
  targets: [],
  dump: 'CREATE TABLE users (id);\n',
  // Of each `d1 execute` to come, for each of its statements.
  rows: [],
  failing: [],
};

/** A project folder with wrangler.toml, and what is at Cloudflare. */
export class Project {
  constructor(t, world = {}) {
    this.folder = mkdtempSync(join(tmpdir(), 'edge-auth-test-'));
    t.after(() => rmSync(this.folder, { recursive: true, force: true }));
    copyFileSync(join(root, 'wrangler.toml'), this.path('wrangler.toml'));
    mkdirSync(this.path('bin'));
    symlinkSync(join(import.meta.dirname, 'wrangler.mjs'), this.path('bin/wrangler'));
    writeFileSync(this.path('world.json'), JSON.stringify({ ...NOTHING_YET, ...world, calls: [] }));
  }

  path(name) {
    return join(this.folder, name);
  }

  read(name) {
    return readFileSync(this.path(name), 'utf8');
  }

  write(name, text) {
    writeFileSync(this.path(name), text);
  }

  get world() {
    return JSON.parse(this.read('world.json'));
  }

  change(world) {
    writeFileSync(this.path('world.json'), JSON.stringify({ ...this.world, ...world }));
  }

  /** The commands that wrangler was given since the last look. */
  takeCommands() {
    const { calls } = this.world;
    this.change({ calls: [] });
    return calls.map(({ command }) => command);
  }

  /**
   * Runs a script to its end: exit code, standard output and error in one. `env` is over a bare environment. With an `input` of
   * null the standard input of the `child` stays open.
   */
  run(script, { env = {}, args = [], input = '' } = {}) {
    return this.start(script, { env, args, input }).ended;
  }

  start(script, { env = {}, args = [], input = '' } = {}) {
    const path = [this.path('bin'), process.env.PATH].join(delimiter);
    const child = spawn(process.execPath, [join(root, 'scripts', script), ...args], {
      cwd: this.folder,
      env: { PATH: path, HOME: this.folder, FAKE_WRANGLER: this.path('world.json'), ...env },
    });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (out += text));
    child.stdin.on('error', () => {});
    if (input !== null) child.stdin.end(input);
    const ended = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, out }));
    });
    return { child, ended };
  }
}

/** Resolves once what a process prints fits, with what fits. */
export const printed = (child, expected) =>
  new Promise((resolve, reject) => {
    let out = '';
    const look = (text) => {
      out += text;
      const found = out.match(expected);
      if (found) resolve(found);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.on('close', () => reject(new Error(`it ended: ${out}`)));
  });

/** An HTTP server on this machine; its address. */
export async function listen(t, handler) {
  const server = http.createServer(handler);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}`;
}
