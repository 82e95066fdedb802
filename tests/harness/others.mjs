// PBKDF2, HMAC and JSON Web Tokens by other hands than ours, to compare with.
import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import { createRequire } from 'node:module';
import path from 'node:path';

// The test runner copies this file elsewhere, but runs it in the project's folder.
const root = process.cwd();
const jose = createRequire(path.join(root, 'package.json'))('jose');

export const pbkdf2 = (hash, password, salt, iterations, length) =>
  crypto.pbkdf2Sync(password, salt, iterations, length, hash);

export const hmac = (hash, key, data) => crypto.createHmac(hash, key).update(data).digest();

export const base64url = (bytes) => Buffer.from(bytes).toString('base64url');

export async function joseSign(header, claims, secret) {
  return new jose.SignJWT(claims).setProtectedHeader(header).sign(Buffer.from(secret));
}

export async function joseVerify(token, secret) {
  const { payload } = await jose.jwtVerify(token, Buffer.from(secret));
  return payload;
}

export async function joseSignByJwk(header, claims, jwk) {
  return new jose.SignJWT(claims).setProtectedHeader(header).sign(await jose.importJWK(jwk, header.alg));
}

export async function joseVerifyByJwks(token, jwks, issuer, algorithm) {
  const keys = jose.createLocalJWKSet(jwks);
  const { payload, protectedHeader } = await jose.jwtVerify(token, keys, { issuer, algorithms: [algorithm] });
  return { payload, header: protectedHeader };
}

export const joseThumbprint = (jwk) => jose.calculateJwkThumbprint(jwk);

/** The key that `make keys` prints for an algorithm. */
export function makeKey(algorithm) {
  const options = { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] };
  return execFileSync(process.execPath, ['scripts/keys.mjs', algorithm], options).trimEnd();
}
