// What is done by mail: links and codes that are asked for, and used.
import { built } from '../../tests/harness/workers.mjs';
import { heading, row, startProcess, user } from './support.mjs';

const COUNT = 200;
const WARM_UPS = 20;
const NEW_PASSWORD = 'a password that came after it';

const settings = {
  MAIL: 'cloudflare',
  MAIL_FROM: 'Example <no-reply@example.com>',
  PUBLIC_URL: 'https://auth.example.com',
};

/** What a mail's link has. */
const linkOf = ({ text }) => Object.fromEntries(new URL(text.match(/^https:.*$/m)[0]).searchParams);

/** An answer without a body is none to parse. */
async function post(server, path, body, headers = []) {
  const chunks = [Buffer.from(JSON.stringify(body))];
  const answer = await server.send('POST', path, ['Content-Type', 'application/json', ...headers], chunks, false);
  if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${answer.body}`);
  return answer.status === 204 ? undefined : JSON.parse(answer.body);
}

/** The CPU time of each of these requests, with the mail that it sends; says what they were answered with. */
async function measure({ server, cpuMs }, name, requests) {
  const settled = async () => {
    while ((await server.sql('SELECT 1 FROM outbox', [])).length) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  const answers = [];
  for (const request of requests.slice(0, WARM_UPS)) answers.push(await request());
  await settled();
  const before = cpuMs();
  for (const request of requests.slice(WARM_UPS)) answers.push(await request());
  await settled();
  const count = requests.length - WARM_UPS;
  row(name, `${count}`, ((cpuMs() - before) / count).toFixed(2));
  return answers;
}

/** Accounts of their own: no address is sent more than it may be. */
export default async function mail() {
  const process = await startProcess(built('build'), settings);
  const { server } = process;
  const numbers = Array.from({ length: COUNT + WARM_UPS }, (_, i) => i);
  const known = (n) => `user${n}@example.com`;
  const ask = (path, address) => numbers.map((n) => () => post(server, path, { email: address(n) }));
  const received = () => server.providersReceived().map(({ body }) => JSON.parse(body));
  heading();
  await measure(
    process,
    'a registration with its mail',
    numbers.map((n) => () => post(server, '/api/auth/register', { ...user, email: known(n) })),
  );
  const registered = received();
  const proof = (mail) => ({ token: linkOf(mail).token, password: user.password });
  const verifying = registered.map((mail) => () => post(server, '/api/auth/email/verify', proof(mail)));
  await measure(process, 'verify by a link and the password', verifying);
  const paths = { forgot: '/api/auth/password/forgot', code: '/api/auth/code' };
  for (const [what, path] of Object.entries(paths)) {
    await measure(process, `${what}, unknown`, ask(path, (n) => `nobody${n}@example.com`));
    // Those of the notices that came before.
    received();
    await measure(process, `${what}, known, with its mail`, ask(path, known));
    const links = received().map(linkOf);
    if (what === 'forgot') {
      const body = ({ token }) => ({ token, new_password: NEW_PASSWORD });
      const resetting = links.map((link) => () => post(server, '/api/auth/password/reset', body(link)));
      await measure(process, 'reset by a link', resetting);
    } else {
      const signingIn = links.map(({ token }) => () => post(server, '/api/auth/code/verify', { token }));
      await measure(process, 'sign-in by a link', signingIn);
    }
  }
  // The hash of a password is most of what sets one or asks for it.
  const signIn = (n) => post(server, '/api/auth/login', { email: known(n), password: NEW_PASSWORD });
  await measure(
    process,
    'for comparison: a sign-in by password',
    numbers.map((n) => () => signIn(n)),
  );
  await server.stop();
}
