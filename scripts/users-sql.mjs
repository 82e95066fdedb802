// Writes SQL that inserts accounts under the ids they have: `node scripts/users-sql.mjs < users.ndjson > users.sql`. A line is
// as for `make import`, with an `id`. `make import` checks more, hashes above all, but gives new ids: see docs/moving-over.md.
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { quoted, run, Stop } from './operator.mjs';

// D1 takes statements of up to 100 KB.
const LONGEST_FIELD = 1024;

const nfc = (text) => text.normalize('NFC');
const fold = (text) => text.normalize('NFKC').toLowerCase().toUpperCase().toLowerCase().normalize('NFKC');
const literal = (value) => (value === null ? 'NULL' : quoted(value));

/** An INSERT of an account; what the table's own constraints refuse is left to them. */
function insert({ id, email = null, username = null, name = username, role = 'customer', password_hash: hash }) {
  if (!Number.isSafeInteger(id) || id < 1) throw new Stop('"id" is no positive whole number');
  for (const [field, value] of Object.entries({ email, username, name, role, password_hash: hash })) {
    const text = typeof value === 'string' || (value === null && ['email', 'username'].includes(field));
    if (!text) throw new Stop(`"${field}" is missing or no text`);
    if (value?.length > LONGEST_FIELD) throw new Stop(`"${field}" is too long`);
    if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(value ?? '')) throw new Stop(`"${field}" has a control or format character`);
  }
  // As the service does (core/src/account/mod.rs).
  const written = username === null ? null : nfc(username);
  const folded = written === null ? null : fold(written);
  if (/[\s@]/.test(folded ?? '')) throw new Stop('"username" has white space or an @');
  if (folded !== null && !/^.{3,64}$/u.test(folded)) throw new Stop('"username" is not 3 to 64 characters long');
  // By which an import knows the account, also once its hash was replaced (core/src/account/import.rs).
  const digest = createHash('sha256').update(`${id} ${hash}`).digest('base64url');
  const values = [email && email.trim().toLowerCase(), written, folded, nfc(name.trim()), role, hash, digest].map(literal);
  const columns = 'id, email, username, username_folded, name, role, password_hash, imported_hash_digest';
  return `INSERT INTO users (${columns}) VALUES (${[id, ...values].join(', ')});`;
}

run(async () => {
  let line = 0;
  let out = '';
  for await (const text of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    line++;
    const json = text.replace(/^\ufeff/, '');
    if (json.trim() === '') continue;
    try {
      out += `${insert(JSON.parse(json))}\n`;
    } catch (error) {
      throw new Stop(`Line ${line}: ${error.message}. What was written is not all of it.`);
    }
    if (out.length > 1 << 16) {
      process.stdout.write(out);
      out = '';
    }
  }
  process.stdout.write(out);
});
