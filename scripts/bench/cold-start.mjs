// The first request of a new process, as a new isolate meets it: ours and its twin in turn. What a Worker does earlier than
// that, at the top of its module, shows in the CPU time until the process is ready.
import { median, row, send, unknown } from './support.mjs';
import { loggingTwin, ours, quietTwin, startEither } from './twins.mjs';

const STARTS = 11;

/** Starts a Worker and sends a request: CPU ms until it is ready, those of the request, and how many ms that takes. */
async function measure(worker) {
  const { server, cpuMs } = await startEither(worker);
  const ready = cpuMs();
  const sent = performance.now();
  await send(server, unknown);
  const waited = performance.now() - sent;
  const answered = cpuMs();
  await server.stop();
  return [ready, answered - ready, waited];
}

export default async function coldStart() {
  const starts = [ours, quietTwin, loggingTwin].map((worker) => ({ worker, measured: [] }));
  // The first start warms up this side.
  for (let start = -1; start < STARTS; start++) {
    for (const { worker, measured } of starts) {
      const figures = await measure(worker);
      if (start >= 0) measured.push(figures);
    }
  }
  row('cold start, medians', 'ours', 'twin', 'logging twin', 'ours/twin', 'ours/logging');
  for (const [i, name] of ['process until ready, CPU ms', 'first 404, CPU ms', 'first 404, ms'].entries()) {
    const [own, quiet, logging] = starts.map(({ measured }) => median(measured.map((figures) => figures[i])));
    const figures = [own, quiet, logging].map((ms) => ms.toFixed(1));
    row(name, ...figures, (own / quiet).toFixed(2), (own / logging).toFixed(2));
  }
}
