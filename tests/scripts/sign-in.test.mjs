// Where a sign-in begins, goes on and ends: whoever makes tokens elsewhere has to come past here, and past the tests over HTTP
// that show that it asks for a second factor (tests/http/sign_in/second_factor.rs).
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from './support.mjs';

/** What makes a `SignedIn`, or a token of one, and the files that do it. */
const PLACES = [
  // Every way in: a first factor, after which the flow says what comes next.
  [/\bflow::after\(/, [
    'api/mail/code.rs',
    'api/mail/invitation.rs',
    'api/pages/sign_in.rs',
    'api/sign_in/auth.rs',
    'api/sign_in/login.rs',
    'api/sign_in/passkey.rs',
  ]],
  // The flow itself, and showing anew who one is.
  [/\.next\((now|clock::now\(\)\.seconds\(\))\)/, ['api/sign_in/flow.rs', 'api/sign_in/reauthenticate.rs']],
  // The second factor.
  [/\.completed\(/, ['api/sign_in/reauthenticate.rs', 'api/sign_in/second_factor.rs']],
  [/\bHalfSignedIn::stored\(/, ['store/tickets.rs']],
  // No sign-in: an account that was just made, and a session that goes on.
  [/\bSignedIn::registered\(/, ['api/accounts/register.rs']],
  [/\bSignedIn::resumed\(/, ['store/sessions/refresh.rs']],
  // Tokens that are not made in tokens.rs itself.
  [/\btokens::access_token\(/, ['api/sessions/mod.rs', 'api/sign_in/auth.rs', 'api/sign_in/reauthenticate.rs']],
];

test('tokens are made where they are known to be', () => {
  const files = readdirSync(join(root, 'src'), { recursive: true }).filter((file) => file.endsWith('.rs'));
  const sources = files.map((file) => [file, readFileSync(join(root, 'src', file), 'utf8')]);
  for (const [pattern, places] of PLACES) {
    const found = sources.filter(([, text]) => pattern.test(text)).map(([file]) => file);
    assert.deepEqual(found.sort(), places, `${pattern}`);
  }
});
