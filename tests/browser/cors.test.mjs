// Pages in Chromium that call the Worker from another origin, as browser apps do: with real preflights, and with
// a browser that decides what may be read.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { start } from '../harness/server.mjs';
import { built } from '../harness/workers.mjs';

/** Serves an empty page on an origin of its own. */
async function serve() {
  const server = http.createServer((_, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end('<!doctype html><title>A page</title>');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { origin: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

let app, elsewhere, worker, browser;

before(async () => {
  [app, elsewhere] = await Promise.all([serve(), serve()]);
  worker = await start(built('build'), { ALLOWED_ORIGINS: `https://app.example.com ${app.origin}` });
  // Headless, without a sandbox (root has none), with a new profile, and without background requests.
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--disable-gpu'] });
});

after(async () => {
  await browser?.close();
  await worker?.stop();
  app?.close();
  elsewhere?.close();
});

/** A page of `origin`, and `call`, which has it fetch from the Worker and says what the page could read. */
async function open(origin) {
  const page = await browser.newPage();
  await page.goto(origin);
  const call = (method, path, { token, body, mode } = {}) =>
    page.evaluate(
      async ({ url, method, token, body, mode }) => {
        const headers = {};
        if (token) headers['Authorization'] = `Bearer ${token}`;
        if (body) headers['Content-Type'] = 'application/json';
        try {
          const answer = await fetch(url, { method, headers, mode, body: body && JSON.stringify(body) });
          const text = await answer.text();
          return { type: answer.type, status: answer.status, headers: Object.fromEntries(answer.headers), text };
        } catch (error) {
          return { error: error.name };
        }
      },
      { url: new URL(path, worker.url).href, method, token, body, mode },
    );
  return { page, call };
}

const user = { email: 'ann@example.com', password: 'a quiet green field', name: 'Ann' };

test('an allowed page signs up, in and out', async () => {
  const { page, call } = await open(app.origin);
  const expectJson = async (status, ...request) => {
    const answer = await call(...request);
    assert.equal(answer.status, status, JSON.stringify(answer));
    return answer.text && JSON.parse(answer.text);
  };

  await expectJson(201, 'POST', '/api/auth/register', { body: user });
  const session = await expectJson(200, 'POST', '/api/auth/login', { body: { ...user, scope: 'offline_access' } });
  const me = await expectJson(200, 'GET', '/api/auth/me', { token: session.access_token });
  assert.equal(me.user.email, user.email);
  const next = await expectJson(200, 'POST', '/api/auth/refresh', { token: session.refresh_token });
  const renamed = await expectJson(200, 'PATCH', '/api/auth/me', { token: next.access_token, body: { name: 'Bea' } });
  assert.equal(renamed.user.name, 'Bea');
  await expectJson(204, 'POST', '/api/auth/logout', { token: next.access_token });
  const gone = await expectJson(401, 'GET', '/api/auth/me', { token: next.access_token });
  assert.deepEqual(gone, { msg: 'Token has been revoked' });
  await expectJson(404, 'GET', '/nowhere');
  await page.close();
});

test('an allowed page reads how long to wait', async () => {
  const { page, call } = await open(app.origin);
  const attempt = { email: 'nobody@example.com', password: 'wrong horse battery' };
  let answer;
  for (let failures = 0; failures <= 5; failures++) {
    answer = await call('POST', '/api/auth/login', { body: attempt });
    assert.equal(answer.status, failures < 5 ? 401 : 429);
  }
  assert.match(answer.headers['retry-after'], /^[1-9][0-9]*$/);
  await page.close();
});

test('a page that is not allowed reads nothing', async () => {
  const { page, call } = await open(elsewhere.origin);
  const email = 'bob@example.com';
  for (const request of [
    ['POST', '/api/auth/register', { body: { ...user, email } }],
    ['GET', '/api/auth/me', { token: 'of-no-consequence' }],
    // These are sent without a preflight; their answers stay closed all the same.
    ['GET', '/healthz'],
    ['GET', '/.well-known/jwks.json'],
    ['GET', '/nowhere'],
  ]) {
    assert.deepEqual(await call(...request), { error: 'TypeError' }, request.join(' '));
  }
  // What was refused at the preflight was not sent.
  assert.deepEqual(await worker.sql('SELECT id FROM users WHERE email = ?', [email]), []);
  const opaque = await call('GET', '/healthz', { mode: 'no-cors' });
  assert.deepEqual(opaque, { type: 'opaque', status: 0, headers: {}, text: '' });
  await page.close();
});
