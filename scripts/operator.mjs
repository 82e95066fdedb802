// What the operator's scripts share: how they end, ask, and run wrangler.
import { execFileSync, spawn } from 'node:child_process';
import { readSync } from 'node:fs';
import { isatty } from 'node:tty';

/** An end with a message for the operator; 2 is wrong use, 1 is anything else. */
export class Stop extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

export const wrongUse = (message) => new Stop(message, 2);

/** Runs a script to its end. */
export async function run(script) {
  try {
    await script();
  } catch (error) {
    // A file or folder that cannot be read or written says so itself.
    if (!(error instanceof Stop) && !error.syscall) throw error;
    if (error.message) console.error(error.message);
    process.exitCode = error.exitCode ?? 1;
  }
}

/** What `make` was given as NAME=…, without white space around it; undefined if nothing. */
export const given = (name) => process.env[name]?.trim() || undefined;

/** A switch such as REMOTE=1. */
export function isOn(name) {
  const value = given(name);
  if (![undefined, '0', '1'].includes(value)) throw wrongUse(`${name} is 1 or left out, not ${JSON.stringify(value)}.`);
  return value === '1';
}

/**
 * Runs the `wrangler` of the PATH, without a shell, and unseen: `input` goes to its standard input, what it prints is
 * returned. Without a terminal it asks nothing and takes its defaults. If `shown`, it has the operator's terminal instead.
 */
export function wrangler(args, { input, env = {}, shown = false } = {}) {
  return new Promise((resolve, reject) => {
    const stdin = input === undefined ? 'ignore' : 'pipe';
    const stdio = shown ? 'inherit' : [stdin, 'pipe', 'pipe'];
    const child = spawn('wrangler', args, { env: { ...process.env, ...env }, stdio });
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.on('error', (error) =>
      reject(error.code === 'ENOENT' ? new Stop('wrangler is not on the PATH; `make` puts it there.') : error),
    );
    child.on('close', (code) => resolve({ ok: code === 0, stdout, stderr }));
    // A wrangler that ends without reading is told by its exit code.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

/** The JSON in a text that may have other lines before it; undefined if there is none. */
export function jsonIn(text) {
  const start = text.search(/^[[{]/m);
  if (start < 0) return undefined;
  try {
    return JSON.parse(text.slice(start));
  } catch {
    return undefined;
  }
}

/** What wrangler said went wrong, in one line. */
export function reason({ stdout, stderr }) {
  const lines = `${jsonIn(stdout)?.error?.text ?? ''}\n${stderr}`.replace(/\x1b\[[\d;]*m/g, '').split('\n');
  return lines.map((line) => line.replace(/^✘ \[ERROR\]\s*/, '').trim()).find(Boolean) ?? 'wrangler failed';
}

/** An SQL string literal. */
export const quoted = (text) => `'${text.replaceAll("'", "''")}'`;

/**
 * The next line of standard input, undefined at its end. Read byte by byte, so that nothing is taken that a later
 * question, or a wrangler that asks, has to get.
 */
export function readLine() {
  const bytes = [];
  const byte = Buffer.alloc(1);
  for (;;) {
    let count;
    try {
      count = readSync(0, byte);
    } catch (error) {
      if (error.code === 'EOF') count = 0;
      else if (error.code !== 'EAGAIN') throw error;
      else {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
        continue;
      }
    }
    if (count === 0 && bytes.length === 0) return undefined;
    if (count === 0 || byte[0] === 0x0a) return Buffer.from(bytes).toString().replace(/\r$/, '');
    bytes.push(byte[0]);
  }
}

export function ask(question) {
  process.stderr.write(question);
  const answer = readLine();
  if (!isatty(0)) process.stderr.write('\n');
  return answer?.trim();
}

/**
 * Whether the operator says yes. `byDefault` is what Enter means. With `yes` it is not asked; `otherwise` says how to do without
 * asking where nobody answers.
 */
export function agrees(question, { yes, byDefault, otherwise }) {
  if (yes) {
    console.log(`${question} Yes.`);
    return true;
  }
  for (;;) {
    const answer = ask(`${question} ${byDefault ? '[Y/n]' : '[y/N]'} `);
    if (answer === undefined) throw wrongUse(`There is nobody to answer; ${otherwise}`);
    if (answer === '') return byDefault;
    if (/^(y|yes)$/i.test(answer)) return true;
    if (/^(n|no)$/i.test(answer)) return false;
  }
}

/** Asks for what is not to be seen. */
export async function askUnseen(question) {
  if (!isatty(0)) {
    process.stderr.write(`${question}\n`);
    return readLine();
  }
  process.stderr.write(question);
  const { stdin } = process;
  stdin.setRawMode(true);
  try {
    let answer = '';
    for await (const text of stdin.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
      for (const key of text) {
        if (key === '\r' || key === '\n') return answer;
        if (key === '\x03') throw new Stop('', 130);
        if (key === '\x04') return undefined;
        if (key === '\x7f' || key === '\b') answer = [...answer].slice(0, -1).join('');
        else answer += key;
      }
    }
    return undefined;
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    process.stderr.write('\n');
  }
}

/** Runs another of these scripts for what it prints. */
export const printed = (script, args) =>
  execFileSync(process.execPath, [script, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
