// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 8.2) by WebCrypto.

const ALGORITHM = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };

/** Whether the key, with `n` and `e` in base64url, made the signature. A key that is none made none. */
export async function verify(n, e, signature, message) {
  let key;
  try {
    key = await crypto.subtle.importKey('jwk', { kty: 'RSA', n, e }, ALGORITHM, false, ['verify']);
  } catch {
    return false;
  }
  return crypto.subtle.verify(ALGORITHM, key, signature, message);
}
