// Runs nginx with the configuration of docs/reverse-proxies.md in front of the Worker and of a service that says what
// reached it. Without nginx it says so; with REQUIRE_NGINX=1 that is a failure.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { start } from '../harness/server.mjs';
import { built } from '../harness/workers.mjs';

const STARTS_WITHIN_MS = 10_000;

// Where Debian has it, which is not on every user's path.
process.env.PATH += ':/usr/sbin';
if (spawnSync('nginx', ['-v']).error) {
  const required = process.env.REQUIRE_NGINX === '1';
  console.log(`nginx is not installed (apt-get install nginx-light); ${required ? 'it is required' : 'nothing was tested'}.`);
  process.exit(required ? 1 : 0);
}

const listen = (server) => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));

async function freePort() {
  const server = net.createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function send(port, method, path, headers = [], body = '') {
  return new Promise((resolve, reject) => {
    const length = body ? ['Content-Length', `${body.length}`] : [];
    const all = ['Host', 'example.com', 'Connection', 'close', ...length, ...headers];
    const request = http.request({ host: '127.0.0.1', port, method, path, headers: all });
    request.on('error', reject);
    request.on('response', async (response) => {
      const text = Buffer.concat(await response.toArray()).toString();
      resolve({ status: response.statusCode, headers: response.headers, text });
    });
    request.end(body);
  });
}

/** The page's configuration with these addresses in the place of its own. */
function configuration(folder, port, auth, servicePort) {
  const page = readFileSync(join(import.meta.dirname, '../../docs/reverse-proxies.md'), 'utf8');
  const [, shown] = page.match(/```nginx\n(.*?)```/s);
  const locations = shown
    .replaceAll('https://auth.example.com', auth.origin)
    .replaceAll('http://127.0.0.1:8000', `http://127.0.0.1:${servicePort}`);
  assert(locations.includes(`${auth.origin}/verify`) && locations.includes(`:${servicePort};`));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
    pid ${folder}/pid;
    error_log ${folder}/error.log;
    daemon off;
    events {}
    http {
      access_log off;
      ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
      server {
        listen 127.0.0.1:${port};
        ${locations}
      }
    }`;
}

const service = http.createServer(async (request, response) => {
  const body = Buffer.concat(await request.toArray()).toString();
  response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.rawHeaders, body }));
});
const worker = await start(built('build'));
const folder = mkdtempSync(join(tmpdir(), 'nginx-'));
const port = await freePort();
writeFileSync(join(folder, 'nginx.conf'), configuration(folder, port, worker.url, await listen(service)));
const nginx = spawn('nginx', ['-p', folder, '-e', join(folder, 'error.log'), '-c', join(folder, 'nginx.conf')], { stdio: 'inherit' });
const ended = new Promise((resolve) => nginx.on('exit', resolve));

async function started() {
  for (const deadline = Date.now() + STARTS_WITHIN_MS; ; ) {
    try {
      return await send(port, 'GET', '/');
    } catch (error) {
      if (nginx.exitCode !== null || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

try {
  await started();
  const user = { email: 'ann@example.com', name: 'Ann', password: 'correct horse battery' };
  const json = ['Content-Type', 'application/json'];
  const registered = await worker.send('POST', '/api/auth/register', json, [Buffer.from(JSON.stringify(user))], false);
  assert.equal(registered.status, 201);
  const { access_token: token, user: account } = JSON.parse(registered.body);
  const forged = [
    ['X-Auth-User-Id', '1000'],
    ['x-auth-user-id', '1001'],
    ['X_Auth_User_Id', '1002'],
    ['X-Auth-Role', 'admin'],
    ['X-Auth-Token-Id', 'forged'],
  ].flat();

  const missing = await send(port, 'GET', '/book/dune', forged);
  assert.equal(missing.status, 401);
  assert.equal(missing.headers['www-authenticate'], 'Bearer');
  assert.equal((await send(port, 'GET', '/book/dune', ['Authorization', `JWT ${token}x`])).status, 401);
  assert.equal((await send(port, 'GET', '/_verify', ['Authorization', `JWT ${token}`])).status, 404);

  for (const scheme of ['JWT', 'Bearer']) {
    const passed = await send(port, 'POST', '/book/dune?a=%2F', ['Authorization', `${scheme} ${token}`, ...forged], 'a body');
    assert.equal(passed.status, 200);
    const { method, url, headers, body } = JSON.parse(passed.text);
    assert.deepEqual([method, url, body], ['POST', '/book/dune?a=%2F', 'a body']);
    assert(!headers.some((text) => /^authorization$/i.test(text)));
    const ours = [];
    for (let i = 0; i < headers.length; i += 2) {
      if (/^x.auth/i.test(headers[i])) ours.push([headers[i].toLowerCase(), headers[i + 1]]);
    }
    assert.deepEqual(ours.slice(0, 2), [['x-auth-user-id', `${account.id}`], ['x-auth-role', 'customer']]);
    assert.deepEqual([ours.length, ours[2][0]], [3, 'x-auth-token-id']);
    assert.notEqual(ours[2][1], 'forged');
  }
  console.log('nginx asks /verify as docs/reverse-proxies.md says.');
} catch (error) {
  console.error(readFileSync(join(folder, 'error.log'), 'utf8'));
  throw error;
} finally {
  nginx.kill();
  await ended;
  service.close();
  await worker.stop();
  rmSync(folder, { recursive: true });
}
