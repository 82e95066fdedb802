// Makes a key for access tokens: `make keys ALG=EdDSA`. The key alone goes to standard output, so that it can be piped into
// `wrangler secret put` without being on a screen; what to do with it goes to standard error.
import { generateKeyPairSync, randomBytes } from 'node:crypto';

// RFC 8037 and RFC 7518: a private JWK.
const jwk = (type, options) => () => JSON.stringify(generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }));

const ALGORITHMS = {
  HS256: ['JWT_SECRET', () => randomBytes(48).toString('base64url')],
  EdDSA: ['JWT_PRIVATE_KEY', jwk('ed25519')],
  ES256: ['JWT_PRIVATE_KEY', jwk('ec', { namedCurve: 'P-256' })],
};

const [algorithm] = process.argv.slice(2);
if (!Object.hasOwn(ALGORITHMS, algorithm ?? '')) {
  console.error(`make keys ALG=…: ALG is one of ${Object.keys(ALGORITHMS).join(', ')}, not "${algorithm ?? ''}".`);
  process.exit(2);
}
const [secret, make] = ALGORITHMS[algorithm];
console.error(`A key for ${algorithm}, not stored anywhere. Set it as the secret ${secret}:
  npx wrangler secret put ${secret}
or, unseen, in one step:
  make --silent keys ALG=${algorithm} | npx wrangler secret put ${secret}
and under [vars] in wrangler.toml:
  JWT_ALGORITHM = "${algorithm}"
In .dev.vars both are lines, the secret in single quotes.
`);
console.log(make());
