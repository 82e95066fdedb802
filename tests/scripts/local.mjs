// A project with the real wrangler.
import { execFileSync } from 'node:child_process';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Project, root } from './support.mjs';

const HASH = "'$pbkdf2-sha512$i=210000$c2FsdA$aGFzaA'";
/** What keeps wrangler from asking and from calling anybody. */
export const ENV = { WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false', CI: '1' };

/** A project with the real wrangler, and its local database once it is migrated. */
export class Local extends Project {
  constructor(t) {
    super(t);
    rmSync(this.path('bin/wrangler'));
  }

  wrangler(...args) {
    return execFileSync('wrangler', args, {
      cwd: this.folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, HOME: this.folder, ...ENV },
    });
  }

  migrate(more) {
    cpSync(join(root, 'migrations'), this.path('migrations'), { recursive: true });
    writeFileSync(this.path('migrations/9999_to_begin_with.sql'), more);
    this.wrangler('d1', 'migrations', 'apply', 'DB', '--local');
  }

  /** The rows of the last of the statements. */
  query(...statements) {
    const args = ['--local', '--yes', '--json', '--command', statements.join(';\n')];
    return JSON.parse(this.wrangler('d1', 'execute', 'DB', ...args)).at(-1).results;
  }

  operate(script, env, more) {
    return this.run(script, { ...more, env: { ...ENV, ...env } });
  }
}

/** Statements that make accounts of these ids and addresses. */
export const accounts = (...addresses) =>
  addresses.map(([id, email]) => `INSERT INTO users (id, email, name, password_hash)
    VALUES (${id}, '${email.replaceAll("'", "''")}', 'Ann', ${HASH});`).join('\n');
