// What the gateway adds to a request to a service behind it.
import http from 'node:http';
import { built } from '../../tests/harness/workers.mjs';
import { agent, heading, logIn, median, register, row, send, startProcess } from './support.mjs';

const PROTECTED = '[{"prefix":"/up/","upstream":"UPSTREAM","dialect":"JWT"}]';

/** A request to a service, by itself and through the gateway, in turns, so that both meet the same machine. */
async function compare({ server, cpuMs }, token) {
  const direct = await server.serviceAddress('upstream');
  const get = (address) => {
    const sent = performance.now();
    return new Promise((resolve, reject) => {
      const headers = { Authorization: `Bearer ${token}` };
      const request = http.get({ host: address.hostname, port: address.port, path: '/up/large?length=100', headers, agent });
      request.on('error', reject);
      request.on('response', async (response) => {
        await response.toArray();
        if (response.statusCode === 200) resolve(performance.now() - sent);
        else reject(new Error(`${response.statusCode}`));
      });
    });
  };
  const ways = [direct, server.url].map((address) => ({ address, cpuMs: 0, latencies: [] }));
  const rounds = 20;
  const requests = 200;
  // The first two warm up.
  for (let round = -2; round < rounds; round++) {
    for (const way of ways) {
      const before = cpuMs();
      const latencies = [];
      for (let i = 0; i < requests; i++) latencies.push(await get(way.address));
      if (round >= 0) {
        way.cpuMs += cpuMs() - before;
        way.latencies.push(...latencies);
      }
    }
  }
  const [alone, through] = ways.map(({ cpuMs, latencies }) => ({ cpu: cpuMs / latencies.length, median: median(latencies) }));
  const count = `${rounds * requests}`;
  const added = { cpu: through.cpu - alone.cpu, median: through.median - alone.median };
  const rows = { 'a service by itself': alone, 'the same through the gateway': through, 'what the gateway adds': added };
  heading();
  for (const [name, { cpu, median }] of Object.entries(rows)) row(name, count, cpu.toFixed(2), median.toFixed(2));
}

export default async function gateway() {
  const process = await startProcess(built('build'), { PROTECTED });
  await send(process.server, register);
  await compare(process, (await send(process.server, logIn)).access_token);
  await process.server.stop();
}
