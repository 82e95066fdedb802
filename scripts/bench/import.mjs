// An import of 100,000 accounts.
import { builtWithin } from '../../tests/harness/workers.mjs';
import { heading, logIn, register, row, send, startProcess } from './support.mjs';

/** 100,000 users in ten requests, and how much of the time the database has. */
export default async function importUsers() {
  const { server, cpuMs } = await startProcess(builtWithin('withTimedDatabase'));
  const hash = `pbkdf2:sha256:260000$abcdefgh$${'00'.repeat(32)}`;
  const line = (n) => JSON.stringify({ email: `user${n}@example.com`, username: `user${n}`, name: 'User', password_hash: hash });
  await send(server, register);
  await server.sql("UPDATE users SET role = 'admin'", []);
  const { access_token: token } = await send(server, logIn);
  const headers = ['Authorization', `Bearer ${token}`, 'Content-Type', 'application/x-ndjson'];
  const seconds = { all: 0, database: 0 };
  const before = cpuMs();
  for (let part = 0; part < 10; part++) {
    const lines = Array.from({ length: 10_000 }, (_, i) => line(part * 10_000 + i));
    const seen = (await server.logs()).length;
    const sent = performance.now();
    const answer = await server.send('POST', '/api/admin/users/import', headers, [Buffer.from(lines.join('\n'))], false);
    seconds.all += (performance.now() - sent) / 1000;
    if (JSON.parse(answer.body).imported !== lines.length) throw new Error(`import: ${answer.status} ${answer.body}`);
    const times = (await server.logs()).slice(seen).map((text) => text.match(/^database: (\d+) ms$/)?.[1]);
    seconds.database += times.reduce((sum, ms) => sum + Number(ms ?? 0), 0) / 1000;
  }
  const perSecond = (100_000 / seconds.all).toFixed(0);
  const share = ((seconds.database / seconds.all) * 100).toFixed(0);
  heading();
  row('a user of an import of 100,000', '10', ((cpuMs() - before) / 100_000).toFixed(3));
  console.log(`an import: ${perSecond} users a second, ${share} % of the time in the database`);
  await server.stop();
}
