// Ours and its twin in JavaScript, to be started alike.
import * as esbuild from 'esbuild';
import { built, script } from '../../tests/harness/workers.mjs';
import { startProcess } from './support.mjs';
import { TABLES } from './twin.js';

/** Passwords as the twin hashes them, natively. */
const SETTINGS = { PASSWORD_HASH: 'pbkdf2-sha256', PASSWORD_ITERATIONS: '100000' };

/** What is compared. Ours always writes a line for each request. */
export const ours = built('build');
export const quietTwin = await bundle({ logs: false });
export const loggingTwin = await bundle({ logs: true });

async function bundle(options) {
  const contents = `import { twin } from './twin.js'; export default twin(${JSON.stringify(options)});`;
  const { outputFiles } = await esbuild.build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'esnext',
    write: false,
  });
  return script(outputFiles[0].text);
}

/** Starts one of them. All get the twin's tables: until the first request all processes have done the same. */
export async function startEither(worker) {
  const process = await startProcess(worker, SETTINGS);
  for (const table of TABLES) await process.server.sql(table, []);
  return process;
}
