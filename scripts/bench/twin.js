// The hot path once more, as one would write it by hand in JavaScript on Hono: what `make bench` holds the Worker against.
// It is here and not in tests/harness/, since it stands in for nothing and no test runs it. hot-path.mjs checks that both
// answer alike before it measures: status, headers and JSON.
//
// It leaves out what costs the Worker something and a short program would not have: throttling and rate limits, the audit
// trail, the sign-in floor and the derivation for unknown accounts, Unicode, the rules for e-mail addresses, names and
// passwords, limits of bodies, pepper, other algorithms and retired keys, `kid`, the state of sessions and epochs behind a
// token, spent refresh tokens, the scheme `JWT`, CORS, the other routes. Its JSON has no newline at its end.
import { Hono } from 'hono';
import { sign, verify } from 'hono/jwt';
import { routePath } from 'hono/route';

/** What it needs beside our table of accounts. */
export const TABLES = [
  'CREATE TABLE twin_sign_ins (user_id INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT',
  `CREATE TABLE twin_sessions (id TEXT PRIMARY KEY, user_id INTEGER NOT NULL, token_hash TEXT NOT NULL,
    used_at INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
];

const ACCOUNT = 'id, email, username, name, role, created_at, updated_at, disabled, epoch';
const ITERATIONS = 100_000;
const ISSUER = 'edge-auth';
const LIFETIME_S = 900;
const IDLE_MS = 30 * 24 * 60 * 60 * 1000;

const encoder = new TextEncoder();
const encode = (bytes) => new Uint8Array(bytes).toBase64({ alphabet: 'base64url', omitPadding: true });
const decode = (text) => Uint8Array.fromBase64(text, { alphabet: 'base64url' });
const random = (length) => encode(crypto.getRandomValues(new Uint8Array(length)));
const sha256 = async (text) => encode(await crypto.subtle.digest('SHA-256', encoder.encode(text)));

async function derive(password, salt, iterations) {
  const key = await crypto.subtle.importKey('raw', encoder.encode(password), 'PBKDF2', false, ['deriveBits']);
  return crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt: decode(salt), iterations }, key, 256);
}

async function hashPassword(password) {
  const salt = random(16);
  return ['pbkdf2-sha256', ITERATIONS, salt, encode(await derive(password, salt, ITERATIONS))].join('$');
}

async function isPassword(password, stored) {
  const [, iterations, salt, hash] = stored.split('$');
  return crypto.subtle.timingSafeEqual(await derive(password, salt, Number(iterations)), decode(hash));
}

function query(c, statement, ...values) {
  c.set('queries', (c.get('queries') ?? 0) + 1);
  return c.env.DB.prepare(statement).bind(...values);
}

const publicUser = ({ id, email, username, name, role, created_at, updated_at }) =>
  ({ id, email, username: username ?? undefined, name, role, created_at, updated_at });

function accessToken(c, { id, role, epoch }, sid) {
  c.set('userId', id);
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: ISSUER,
    sub: `${id}`,
    identity: id,
    type: 'access',
    fresh: false,
    role,
    iat: now,
    nbf: now,
    exp: now + LIFETIME_S,
    jti: `${random(16)}.${epoch}`,
    sid,
  };
  return sign(claims, c.env.JWT_SECRET, 'HS256');
}

const refreshToken = (id, secret) => ({ refresh_token: `${id}.${secret}`, token_type: 'Bearer', expires_in: LIFETIME_S });

async function openSession(c, { id: userId }) {
  const [id, secret] = [random(32), random(32)];
  await query(c, 'INSERT INTO twin_sessions VALUES (?, ?, ?, ?)', id, userId, await sha256(secret), Date.now()).run();
  return { id, secret };
}

const refuse = (c, msg) => c.json({ msg }, 401, { 'WWW-Authenticate': 'Bearer' });

async function authenticate(c, next) {
  const [scheme, token] = c.req.header('Authorization')?.split(' ') ?? [];
  if (scheme?.toLowerCase() !== 'bearer' || !token) return refuse(c, 'Missing Authorization Header');
  let claims;
  try {
    claims = await verify(token, c.env.JWT_SECRET, { alg: 'HS256', iss: ISSUER });
  } catch (error) {
    return refuse(c, error.name === 'JwtTokenExpired' ? 'Token has expired' : 'Signature verification failed');
  }
  const account = await query(c, `SELECT ${ACCOUNT} FROM users WHERE id = ?`, claims.identity).first();
  if (!account) return c.json({ error: 'User not found' }, 404);
  if (account.disabled) return refuse(c, 'Token has been revoked');
  c.set('userId', account.id);
  c.set('account', account);
  c.set('claims', claims);
  return next();
}

async function writeLine(c, next) {
  const started = Date.now();
  await next();
  const line = {
    level: 'info',
    duration_ms: Date.now() - started,
    method: c.req.method,
    queries: c.get('queries') ?? 0,
    request_id: random(16),
    route: routePath(c, -1),
    status: c.res.status,
    user_id: c.get('userId') ?? null,
  };
  console.log(JSON.stringify(line));
}

/** The Worker; with `logs` it writes the line for each request that ours does. */
export function twin({ logs }) {
  const app = new Hono();
  if (logs) app.use(writeLine);
  app.use((c, next) => {
    c.header('Cache-Control', 'no-store');
    c.header('X-Content-Type-Options', 'nosniff');
    return next();
  });
  app.notFound((c) => c.json({ error: 'Not found' }, 404));

  app.post('/api/auth/register', async (c) => {
    const { email, password, name } = await c.req.json();
    if (!email || !password || !name) return c.json({ error: 'Missing required fields: email, password, name' }, 400);
    const values = [email.trim().toLowerCase(), name.trim(), await hashPassword(password)];
    const insert = `INSERT INTO users (email, name, password_hash) VALUES (?, ?, ?) ON CONFLICT DO NOTHING RETURNING ${ACCOUNT}`;
    const account = await query(c, insert, ...values).first();
    if (!account) return c.json({ error: 'Email already registered' }, 409);
    const message = 'User registered successfully';
    return c.json({ message, user: publicUser(account), access_token: await accessToken(c, account) }, 201);
  });

  app.post('/api/auth/login', async (c) => {
    const { email, password, scope } = await c.req.json();
    if (!email || !password) return c.json({ error: 'Missing required fields: email, password' }, 400);
    const select = `SELECT ${ACCOUNT}, password_hash FROM users WHERE email = ?`;
    const account = await query(c, select, email.trim().toLowerCase()).first();
    if (!account || account.disabled || !(await isPassword(password, account.password_hash))) {
      return c.json({ error: 'Invalid email or password' }, 401);
    }
    const note = 'INSERT INTO twin_sign_ins VALUES (?, ?) ON CONFLICT DO UPDATE SET at = excluded.at';
    await query(c, note, account.id, Date.now()).run();
    const answer = { message: 'Login successful', user: publicUser(account) };
    if (scope !== 'offline_access') return c.json({ ...answer, access_token: await accessToken(c, account) });
    const { id, secret } = await openSession(c, account);
    return c.json({ ...answer, access_token: await accessToken(c, account, id), ...refreshToken(id, secret) });
  });

  app.post('/api/auth/refresh', async (c) => {
    const { refresh_token } = await c.req.json();
    if (!refresh_token) return refuse(c, 'Missing Authorization Header');
    const [id, secret] = refresh_token.split('.');
    const successor = random(32);
    const now = Date.now();
    const update = `UPDATE twin_sessions SET token_hash = ?3, used_at = ?4 WHERE id = ?1 AND token_hash = ?2 AND used_at > ?5
      RETURNING user_id AS id, (SELECT role FROM users WHERE users.id = user_id) AS role,
        (SELECT epoch FROM users WHERE users.id = user_id) AS epoch`;
    const account = await query(c, update, id, await sha256(secret ?? ''), await sha256(successor), now, now - IDLE_MS).first();
    if (!account) return refuse(c, 'Token has been revoked');
    return c.json({ access_token: await accessToken(c, account, id), ...refreshToken(id, successor) });
  });

  app.get('/api/auth/me', authenticate, (c) => c.json({ user: publicUser(c.get('account')) }));

  app.all('/verify', authenticate, (c) => {
    const { id, role } = c.get('account');
    return c.json({}, 200, { 'X-Auth-User-Id': `${id}`, 'X-Auth-Role': role, 'X-Auth-Token-Id': c.get('claims').jti });
  });

  return app;
}
