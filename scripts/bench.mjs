// Measures the CPU time that workerd spends on requests: `make bench`, or, once the Worker is built, some parts alone:
// `node scripts/bench.mjs hot-path cold-start`. The machine's other load shows in all figures, least in the quotients of the
// hot path. Linux only.
import { agent } from './bench/support.mjs';

const PARTS = ['hot-path', 'cold-start', 'passwords', 'algorithms', 'import', 'gateway', 'mail', 'factors'];

const asked = process.argv.slice(2);
if (asked.every((part) => PARTS.includes(part))) {
  for (const [i, part] of (asked.length ? asked : PARTS).entries()) {
    if (i) console.log();
    const { default: measure } = await import(`./bench/${part}.mjs`);
    await measure();
  }
  agent.destroy();
} else {
  console.error(`The parts are ${PARTS.join(', ')}.`);
  process.exitCode = 2;
}
