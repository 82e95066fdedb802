// `make admin` and `make backup` with the real wrangler on a local database.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Project, root } from './support.mjs';

const HASH = "'$pbkdf2-sha512$i=210000$c2FsdA$aGFzaA'";

test('make admin, make backup, and the backup restored', async (t) => {
  const here = new Project(t);
  rmSync(here.path('bin/wrangler'));
  cpSync(join(root, 'migrations'), here.path('migrations'), { recursive: true });
  writeFileSync(
    here.path('migrations/9999_accounts_to_begin_with.sql'),
    `INSERT INTO users (id, email, name, password_hash)
      VALUES (41, 'o''hara@example.com', 'O''Hara', ${HASH}), (42, 'bob@example.com', 'Bob', ${HASH});`,
  );
  const env = { WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false', CI: '1' };
  const wrangler = (...args) =>
    execFileSync('wrangler', args, {
      cwd: here.folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, HOME: here.folder, ...env },
    });
  const admin = (EMAIL) => here.run('admin.mjs', { env: { ...env, EMAIL } });

  const early = await admin('ann@example.com');
  assert.equal(early.code, 1);
  assert.match(early.out, /`make dev` makes it/);

  wrangler('d1', 'migrations', 'apply', 'DB', '--local');
  const made = await admin(" O'Hara@Example.com");
  assert.equal(made.code, 0, made.out);
  assert.match(made.out, /account 41, named "O'Hara"/);

  const backup = await here.run('backup.mjs', { env: { ...env, LOCAL: '1' } });
  assert.equal(backup.code, 0, backup.out);
  const [file] = readdirSync(here.path('backups'));
  assert.equal(statSync(here.path(`backups/${file}`)).mode & 0o777, 0o600);

  rmSync(here.path('.wrangler'), { recursive: true });
  wrangler('d1', 'execute', 'DB', '--local', '--yes', '--file', `backups/${file}`);
  // Ids go on where they were, and the migrations count as applied.
  const query = `SELECT id, email, role, (SELECT seq FROM sqlite_sequence WHERE name = 'users') AS last_id,
    (SELECT min(name) FROM d1_migrations) AS migration FROM users ORDER BY id`;
  const [{ results }] = JSON.parse(wrangler('d1', 'execute', 'DB', '--local', '--yes', '--json', '--command', query));
  const same = { last_id: 42, migration: '0001_accounts.sql' };
  assert.deepEqual(results, [
    { id: 41, email: "o'hara@example.com", role: 'admin', ...same },
    { id: 42, email: 'bob@example.com', role: 'customer', ...same },
  ]);
});
