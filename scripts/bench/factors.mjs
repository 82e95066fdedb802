// Passkeys, whose authenticator is here, and one-time passwords.
import crypto from 'node:crypto';

import { built } from '../../tests/harness/workers.mjs';
import { heading, row, startProcess, user } from './support.mjs';

const COUNT = 200;
const WARM_UPS = 20;
const RP_ID = 'auth.example.com';
const ORIGIN = `https://${RP_ID}`;

/** The quickest hash there is: hashes are measured elsewhere. */
const settings = { PUBLIC_URL: ORIGIN, PASSWORD_HASH: 'argon2id', SIGN_IN_FLOOR_MS: '100' };

const sha256 = (data) => crypto.createHash('sha256').update(data).digest();

/** CBOR (RFC 8949) of a length below 2^16, in the major type. */
function head(type, length) {
  const major = type << 5;
  if (length < 24) return Buffer.from([major | length]);
  return length < 256 ? Buffer.from([major | 24, length]) : Buffer.from([major | 25, length >> 8, length & 255]);
}

const int = (number) => (number < 0 ? head(1, -1 - number) : head(0, number));
const bytes = (buffer) => Buffer.concat([head(2, buffer.length), buffer]);
const text = (string) => Buffer.concat([head(3, string.length), Buffer.from(string)]);
const map = (pairs) => Buffer.concat([head(5, pairs.length), ...pairs.flat()]);

/** What makes a key, and the members of its COSE_Key (RFC 9053). */
const ALGORITHMS = {
  ES256: {
    pair: () => crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    members: ({ x, y }) => [[1, int(2)], [3, int(-7)], [-1, int(1)], [-2, bytes(x)], [-3, bytes(y)]],
    hash: 'sha256',
  },
  Ed25519: {
    pair: () => crypto.generateKeyPairSync('ed25519'),
    members: ({ x }) => [[1, int(1)], [3, int(-8)], [-1, int(6)], [-2, bytes(x)]],
    hash: null,
  },
  RS256: {
    pair: () => crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }),
    members: ({ n, e }) => [[1, int(3)], [3, int(-257)], [-1, bytes(n)], [-2, bytes(e)]],
    hash: 'sha256',
  },
};

/** An authenticator that has verified its user. */
class Authenticator {
  #key;
  #hash;
  #cose;
  #id = crypto.randomBytes(32);
  #handle;

  constructor({ pair, members, hash }) {
    const { privateKey, publicKey } = pair();
    const jwk = publicKey.export({ format: 'jwk' });
    const numbers = Object.fromEntries(['x', 'y', 'n', 'e'].map((name) => [name, Buffer.from(jwk[name] ?? '', 'base64url')]));
    this.#key = privateKey;
    this.#hash = hash;
    this.#cose = map(members(numbers).map(([label, value]) => [int(label), value]));
  }

  create(options) {
    this.#handle = options.user.id;
    const length = Buffer.from([0, this.#id.length]);
    const data = Buffer.concat([this.#data(0x45), Buffer.alloc(16), length, this.#id, this.#cose]);
    const object = map([[text('fmt'), text('none')], [text('attStmt'), map([])], [text('authData'), bytes(data)]]);
    return this.#credential('webauthn.create', options, () => ({ attestationObject: object.toString('base64url') }));
  }

  get(options) {
    const data = this.#data(0x05);
    return this.#credential('webauthn.get', options, (clientData) => ({
      authenticatorData: data.toString('base64url'),
      signature: crypto.sign(this.#hash, Buffer.concat([data, sha256(clientData)]), this.#key).toString('base64url'),
      userHandle: this.#handle,
    }));
  }

  #data(flags) {
    return Buffer.concat([sha256(RP_ID), Buffer.from([flags, 0, 0, 0, 0])]);
  }

  #credential(type, { challenge }, members) {
    const clientData = Buffer.from(JSON.stringify({ type, challenge, origin: ORIGIN, crossOrigin: false }));
    const id = this.#id.toString('base64url');
    const response = { clientDataJSON: clientData.toString('base64url'), ...members(clientData) };
    return { id, rawId: id, type: 'public-key', clientExtensionResults: {}, response };
  }
}

/** The code of a secret in base32, for a step (RFC 6238). */
function totp(secret, step) {
  const bits = [...secret].map((digit) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(digit).toString(2).padStart(5, '0'));
  const key = Buffer.from(bits.join('').match(/.{8}/g).map((octet) => parseInt(octet, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const hash = crypto.createHmac('sha1', key).update(counter).digest();
  const number = hash.readUInt32BE(hash[19] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, '0');
}

export default async function factors() {
  const { server, cpuMs } = await startProcess(built('build'), settings);
  const numbers = Array.from({ length: COUNT + WARM_UPS }, (_, i) => i);

  async function post(path, body = {}, token, expected = 200) {
    const headers = ['Content-Type', 'application/json', ...(token ? ['Authorization', `Bearer ${token}`] : [])];
    const answer = await server.send('POST', path, headers, [Buffer.from(JSON.stringify(body))], false);
    if (answer.status !== expected) throw new Error(`${path}: ${answer.status} ${answer.body}`);
    return JSON.parse(answer.body);
  }

  async function measure(name, requests) {
    for (const request of requests.slice(0, WARM_UPS)) await request();
    const before = cpuMs();
    for (const request of requests.slice(WARM_UPS)) await request();
    const count = requests.length - WARM_UPS;
    row(name, `${count}`, ((cpuMs() - before) / count).toFixed(2));
  }

  const register = async (name) => {
    const body = { ...user, email: `${name}@example.com`, username: name };
    return (await post('/api/auth/register', body, undefined, 201)).access_token;
  };

  heading();
  const options = () => post('/api/auth/passkey/options');
  await measure('options to sign in by a passkey', numbers.map(() => options));
  for (const [name, algorithm] of Object.entries(ALGORITHMS)) {
    const token = await register(name.toLowerCase());
    const authenticator = new Authenticator(algorithm);
    const credential = authenticator.create(await post('/api/auth/passkeys/options', {}, token));
    await post('/api/auth/passkeys', { credential }, token, 201);
    const credentials = [];
    for (const _ of numbers) credentials.push(authenticator.get(await options()));
    await measure(
      `sign-in by a passkey, ${name}`,
      credentials.map((credential) => () => post('/api/auth/passkey', { credential })),
    );
  }
  const shown = [];
  for (const n of numbers) {
    const token = await register(`user${n}`);
    const { secret } = await post('/api/auth/totp', {}, token, 201);
    const step = Math.floor(Date.now() / 30_000);
    await post('/api/auth/totp/verify', { code: totp(secret, step) }, token);
    shown.push({ secret, name: `user${n}` });
  }
  const tickets = [];
  await measure(
    'the password of an account with one-time passwords',
    shown.map(({ secret, name }) => async () => {
      const body = { email: `${name}@example.com`, password: user.password };
      tickets.push({ secret, ticket: (await post('/api/auth/login', body, undefined, 403)).ticket });
    }),
  );
  await measure(
    'its one-time password',
    tickets.map(({ secret, ticket }) => () => {
      // One that is early is good, and comes after that of the beginning.
      const step = Math.floor(Date.now() / 30_000) + 1;
      return post('/api/auth/second-factor', { ticket, totp: totp(secret, step) });
    }),
  );
  await server.stop();
}
