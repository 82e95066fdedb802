// `make import`, against a server that stands in for the service.
import assert from 'node:assert/strict';
import { existsSync, utimesSync } from 'node:fs';
import { test } from 'node:test';
import { listen, Project } from './support.mjs';

const MIB = 1024 * 1024;
const CREDENTIALS = 'ann@example.com\na quiet green field\n';
const users = (from, count) =>
  Array.from({ length: count }, (_, i) => `${JSON.stringify({ email: `u${from + i}@example.com`, password_hash: '$2b$12$' })}\n`).join('');

/**
 * The service as the contract has it; `before` may answer a request in its stead, or cut it. It has `accounts` already, pairs of
 * an address and `{ id, hash }`.
 */
async function service(t, before = () => false, accounts = []) {
  const seen = { bodies: [], tokens: [], logins: 0, emails: new Map(accounts), requests: 0 };
  const url = await listen(t, async (request, response) => {
    const body = Buffer.concat(await request.toArray().catch(() => []));
    const answer = (status, value, headers = {}) => response.writeHead(status, headers).end(JSON.stringify(value));
    if (request.url === '/api/auth/login') {
      seen.logins++;
      const { email, password } = JSON.parse(body);
      if (email !== 'ann@example.com' || password !== 'a quiet green field') {
        return answer(401, { error: 'Invalid email or password' });
      }
      return answer(200, { access_token: `token ${seen.logins}` });
    }
    assert.equal(`${request.method} ${request.url}`, 'POST /api/admin/users/import');
    assert.equal(request.headers['content-type'], 'application/x-ndjson');
    seen.requests++;
    seen.tokens.push(request.headers.authorization);
    const take = () => {
      const lines = body.toString().split('\n');
      if (lines.at(-1) === '') lines.pop();
      assert.ok(lines.length <= 10_000 && body.length <= 8 * MIB, 'more than the service takes');
      seen.bodies.push(body);
      const skipped = [];
      let imported = 0;
      lines.forEach((text, i) => {
        const skip = (error) => skipped.push({ line: i + 1, error });
        if (text.trim() === '') return;
        let account;
        try {
          account = JSON.parse(text.replace('\ufeff', ''));
        } catch {
          return skip('Not a JSON object');
        }
        const { email, id, password_hash: hash } = account;
        const there = seen.emails.get(email);
        if (there) {
          const same = there.hash === hash && (id === undefined || there.id === id);
          return skip(same ? 'Already imported' : 'Email already registered');
        }
        seen.emails.set(email, { id, hash });
        imported++;
      });
      return { imported, skipped };
    };
    if (before(seen.requests, { request, answer, take, response })) return undefined;
    return answer(200, take());
  });
  return { url, seen };
}

function project(t, text) {
  const here = new Project(t);
  here.write('users.ndjson', text);
  return here;
}

const importing = (here, URL, more = {}) => {
  const { env, ...options } = more;
  return here.run('import.mjs', { ...options, env: { FILE: 'users.ndjson', URL, TOKEN: 'given', ...env } });
};

test('imports 25,000 lines in pieces, and numbers lines as in the file', async (t) => {
  const { url, seen } = await service(t);
  const text = `${users(0, 12_000)}not JSON\n\r\n${users(5, 1)}${users(12_000, 12_997)}`;
  const here = project(t, text);
  const { code, out } = await importing(here, url);
  assert.equal(code, 1, 'a refused line is no success');
  assert.match(out, /^line 12001: Not a JSON object$/m);
  assert.match(out, /Done: 25000 lines, 24997 imported, 1 there already, 1 refused\.\n.*users\.ndjson\.skipped has/);
  assert.match(out, /users\/s/);
  assert.equal(Buffer.concat(seen.bodies).toString(), text);
  assert.deepEqual(here.read('users.ndjson.skipped').trim().split('\n').map(JSON.parse), [
    { line: 12001, error: 'Not a JSON object' },
    { line: 12003, error: 'Already imported' },
  ]);
  assert.ok(!existsSync(here.path('users.ndjson.progress')));
  assert.ok(new Set(seen.tokens).size === 1 && seen.tokens[0] === 'Bearer given');
});

test('passes bytes through as they are', async (t) => {
  const { url, seen } = await service(t);
  for (const text of ['', '\n', '\ufeff{"email":"bom@example.com"}\r\n\r\n{"email":"last@example.com"}']) {
    seen.bodies.length = 0;
    const here = project(t, text);
    const { code, out } = await importing(here, url);
    assert.equal(code, 0, out);
    assert.equal(Buffer.concat(seen.bodies).toString(), text);
    assert.ok(!existsSync(here.path('users.ndjson.skipped')));
  }
});

test('goes on after cut connections, 429 and 5xx', async (t) => {
  const { url, seen } = await service(t, (request, { answer, take, response }) => {
    if (request === 1) return response.destroy();
    // The lines have arrived, their answer has not.
    if (request === 2) return take() && response.destroy();
    if (request === 4) return answer(429, { error: 'Too many requests' }, { 'Retry-After': '0' });
    if (request === 5) return answer(503, { error: 'Service unavailable' }, { 'Retry-After': '1' });
    return false;
  });
  const here = project(t, users(0, 3000));
  const start = Date.now();
  const { code, out } = await importing(here, url);
  assert.equal(code, 0, out);
  assert.match(out, /429 Too many requests; trying again in 0\.0 s/);
  assert.match(out, /503 Service unavailable; trying again in 1\.0 s/);
  assert.match(out, /Done: 3000 lines, 1000 imported, 2000 there already, 0 refused/);
  assert.equal(seen.emails.size, 3000);
  assert.ok(Date.now() - start >= 1000);
});

test('accounts that somebody else has are refused, also among lines that arrived before a cut', async (t) => {
  const { url } = await service(
    t,
    (request, { take, response }) => request === 1 && take() && response.destroy(),
    [['u3@example.com', { hash: 'of another password' }], ['u5@example.com', { id: 9, hash: 'x' }]],
  );
  const here = project(t, `${users(0, 5)}{"email":"u5@example.com","id":5,"password_hash":"x"}\n`);
  const { code, out } = await importing(here, url);
  assert.equal(code, 1, 'a lost account is no success');
  assert.match(out, /^line 4: Email already registered$/m);
  assert.match(out, /^line 6: Email already registered$/m);
  assert.match(out, /Done: 6 lines, 0 imported, 4 there already, 2 refused/);
});

test('only what the service calls imported is there already', async (t) => {
  for (const error of ['Username already taken', "id is another account's", 'already imported']) {
    const { url } = await service(t, (_, { answer }) => answer(200, { imported: 0, skipped: [{ line: 1, error }] }));
    const { code, out } = await importing(project(t, users(0, 1)), url);
    assert.equal(code, 1, error);
    assert.match(out, /0 there already, 1 refused/);
  }
});

test('resumes where it was broken off', async (t) => {
  let down = true;
  const { url, seen } = await service(t, (request, { answer }) => down && request > 2 && answer(403, { error: 'Forbidden' }));
  const here = project(t, `${users(0, 4000)}oops\n${users(4000, 2000)}`);
  const broken = await importing(here, url);
  assert.equal(broken.code, 1);
  assert.match(broken.out, /no admin.*goes on from there/);
  assert.ok(existsSync(here.path('users.ndjson.progress')));
  down = false;
  const { code, out } = await importing(here, url);
  assert.equal(code, 1);
  assert.match(out, /Going on after line 4000/);
  assert.match(out, /^line 4001: Not a JSON object$/m);
  assert.match(out, /Done: 6001 lines, 6000 imported, 0 there already, 1 refused/);
  assert.equal(Buffer.concat(seen.bodies).toString(), here.read('users.ndjson'));
});

test('resumes after it was killed', async (t) => {
  let kill;
  const { url, seen } = await service(t, (request) => request === 3 && (kill?.(), kill !== undefined));
  const here = project(t, users(0, 6000));
  const { child, ended } = here.start('import.mjs', { env: { FILE: 'users.ndjson', URL: url, TOKEN: 'given' } });
  kill = () => child.kill('SIGKILL');
  assert.equal((await ended).code, null);
  kill = undefined;
  const { code, out } = await importing(here, url);
  assert.equal(code, 0, out);
  assert.match(out, /Going on after line 4000/);
  assert.equal(seen.emails.size, 6000);
});

test('does not take another file for the one that was broken off', async (t) => {
  let down = true;
  const { url, seen } = await service(t, (request, { answer }) => down && request > 1 && answer(400, { error: 'no' }));
  const here = project(t, users(0, 4000));
  assert.equal((await importing(here, url)).code, 1);
  down = false;
  here.write('users.ndjson', users(4000, 4000));
  utimesSync(here.path('users.ndjson'), 1, 1);
  const { code, out } = await importing(here, url);
  assert.equal(code, 0, out);
  assert.match(out, /another file/);
  assert.equal(seen.emails.size, 6000);
});

test('signs in, and again when the token has expired', async (t) => {
  const { url, seen } = await service(t, (request, { request: { headers }, answer }) =>
    request >= 2 && headers.authorization === 'Bearer token 1' && answer(401, { msg: 'Token has expired' }),
  );
  const here = project(t, users(0, 5000));
  const { code, out } = await importing(here, url, { env: { TOKEN: '' }, input: CREDENTIALS });
  assert.equal(code, 0, out);
  assert.equal(seen.emails.size, 5000);
  assert.equal(seen.logins, 2);
  assert.deepEqual(seen.tokens, ['Bearer token 1', 'Bearer token 1', 'Bearer token 2', 'Bearer token 2']);
  assert.ok(!out.includes('a quiet green field'));
});

test('stops when a given token has expired, or nobody can sign in', async (t) => {
  const { url } = await service(t, (request, { answer }) => answer(401, { msg: 'Token has expired' }));
  const here = project(t, users(0, 1));
  const expired = await importing(here, url);
  assert.equal(expired.code, 1);
  assert.match(expired.out, /token is not good.*goes on/);
  const wrong = await importing(here, url, { env: { TOKEN: '' }, input: 'ann@example.com\nwrong\n' });
  assert.equal(wrong.code, 1);
  assert.match(wrong.out, /401 Invalid email or password/);
  const again = await importing(here, url, { env: { TOKEN: '', EMAIL: 'ann@example.com' }, input: 'a quiet green field\n' });
  assert.equal(again.code, 1);
  const nobody = await importing(here, url, { env: { TOKEN: '' } });
  assert.equal(nobody.code, 2);
});

test('a line of 8 MiB goes, a longer one stops the import', async (t) => {
  const { url, seen } = await service(t);
  const line = (bytes, email) => {
    const [start, end] = [`{"email":"${email}","name":"`, '"}\n'];
    return start + 'x'.repeat(bytes - start.length - end.length) + end;
  };
  const text = users(0, 2) + line(8 * MIB, 'long@example.com') + users(2, 1);
  assert.equal((await importing(project(t, text), url)).code, 0);
  assert.equal(seen.emails.size, 4);
  for (const tail of ['', users(4, 1)]) {
    const here = project(t, users(3, 1) + line(8 * MIB + 1, 'longer@example.com').trimEnd() + '  ' + (tail && `\n${tail}`));
    const { code, out } = await importing(here, url);
    assert.equal(code, 1);
    assert.match(out, /Line 2 is longer than 8 MiB/);
  }
  assert.equal(seen.emails.size, 5);
});

test('what is no import is not taken for one', async (t) => {
  for (const [status, value, message] of [
    [404, { error: 'Not found' }, /no import/],
    [415, { error: 'Content-Type must be application/x-ndjson' }, /415 Content-Type/],
    [200, { status: 'ok' }, /answers 200/],
    [302, {}, /answers 302/],
  ]) {
    const { url } = await service(t, (request, { answer }) => answer(status, value, { Location: '/elsewhere' }));
    const { code, out } = await importing(project(t, users(0, 1)), url);
    assert.equal(code, 1);
    assert.match(out, message);
  }
});

test('wrong use', async (t) => {
  const here = project(t, users(0, 1));
  for (const env of [
    { FILE: '' },
    { FILE: 'missing.ndjson' },
    { URL: 'auth.example.com' },
    // Hashes would cross the network in the clear.
    { URL: 'http://auth.example.com' },
  ]) {
    const { code, out } = await importing(here, 'http://localhost:1', { env });
    assert.equal(code, 2, out);
    assert.equal(out.trim().split('\n').length, 1, out);
  }
});
