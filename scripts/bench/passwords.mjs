// What a password costs: new ones by each function, and every form of stored hash.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { built } from '../../tests/harness/workers.mjs';
import { heading, logIn, measure, register, send, startProcess } from './support.mjs';

const FORMS = [
  'pbkdf2:sha256:260000', 'pbkdf2:sha256:600000', 'pbkdf2:sha256:1000000', 'pbkdf2:sha1:150000', 'scrypt:32768:8:1',
  '$2b$10', '$2b$12', '$argon2id$v=19$m=19456,t=2,p=1', '$argon2id$v=19$m=65536,t=3,p=4', '$scrypt$ln=16,r=8,p=1',
  '$pbkdf2-sha256$29000', '$pbkdf2-sha512$25000', '$pbkdf2-sha256$i=600000',
];

// A refused sign-in runs the one derivation of the stored hash and nothing else that costs.
async function refuse(process, form, hashes) {
  const { hash } = hashes.find(({ hash }) => hash.startsWith(form));
  const email = `${Buffer.from(form).toString('hex')}@example.com`;
  await process.server.sql("INSERT INTO users (email, name, password_hash) VALUES (?, 'Bench', ?)", [email, hash]);
  const refused = { ...logIn, status: 401, body: { email, password: 'not that password' } };
  await measure(process, `refused, ${form}`, { warmUps: 1, count: 5 }, refused);
}

export default async function passwords() {
  const file = join(import.meta.dirname, '../../tests/fixtures/old_hashes.jsonl');
  const hashes = readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  heading();
  for (const [name, settings, forms = []] of [
    ['cost of wrangler.toml', {}, FORMS],
    ['argon2id', { PASSWORD_HASH: 'argon2id' }],
    ['100,000 of PBKDF2-SHA-256 (WebCrypto)', { PASSWORD_HASH: 'pbkdf2-sha256', PASSWORD_ITERATIONS: '100000' }],
  ]) {
    const process = await startProcess(built('build'), settings);
    await send(process.server, register);
    await measure(process, `log in, ${name}`, { warmUps: 3, count: 20 }, logIn);
    for (const form of forms) await refuse(process, form, hashes);
    await process.server.stop();
  }
}
