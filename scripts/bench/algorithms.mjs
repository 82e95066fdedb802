// Routes that check or make an access token, by algorithm, and one that does neither.
import { makeKey } from '../../tests/harness/others.mjs';
import { built } from '../../tests/harness/workers.mjs';
import { get, heading, measure, openSession, refresh, register, send, startProcess, unknown } from './support.mjs';

const READING = { warmUps: 500, count: 2000 };
// The database writes to the disk.
const WRITING = { warmUps: 200, count: 800 };

export default async function algorithms() {
  heading();
  for (const algorithm of ['HS256', 'EdDSA', 'ES256']) {
    const key = makeKey(algorithm);
    const process = await startProcess(built('build'), { JWT_ALGORITHM: algorithm, JWT_SECRET: key, JWT_PRIVATE_KEY: key });
    const { access_token: token } = await send(process.server, register);
    const session = await send(process.server, openSession);
    if (algorithm === 'HS256') await measure(process, 'a path that does not exist', READING, unknown);
    await measure(process, `GET /api/auth/me, ${algorithm}`, READING, get('/api/auth/me', token));
    await measure(process, `/verify, ${algorithm}`, READING, get('/verify', token));
    const next = (answer) => refresh(answer.refresh_token);
    await measure(process, `POST /api/auth/refresh, ${algorithm}`, WRITING, next(session), next);
    await process.server.stop();
  }
}
