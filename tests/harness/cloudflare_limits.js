// Cloudflare refuses what the local runtime allows.
// Imported before the Worker, so that the Worker meets the limits in its tests.
const { deriveBits } = SubtleCrypto.prototype;

/** More than 100,000 PBKDF2 iterations in WebCrypto. */
SubtleCrypto.prototype.deriveBits = function (algorithm, ...rest) {
  const { name, iterations } = algorithm;
  if (name?.toUpperCase() === 'PBKDF2' && iterations > 100_000) {
    const message = `Pbkdf2 failed: iteration counts above 100000 are not supported (requested ${iterations}).`;
    return Promise.reject(new DOMException(message, 'NotSupportedError'));
  }
  return deriveBits.call(this, algorithm, ...rest);
};

/** Headers of a mail that are its own: those that it takes, and all beginning with `X-`. */
const MAIL_HEADERS =
  /^(X-.+|Auto-Submitted|Content-Language|In-Reply-To|References|List-.+|Precedence|Keywords|Comments|Importance|Priority|Sensitivity|Organization)$/i;

const mailError = (code) => Object.assign(new Error('a text that may name the recipient'), { code });

/**
 * A `send_email` binding that refuses headers as production does. What it answers otherwise, a test says: the `body` of
 * providers.mjs is the code of the error where the `status` is not 200.
 */
const sendEmail = (binding) => ({
  async send(message) {
    const names = Object.keys(message.headers ?? {});
    if (!names.every((name) => MAIL_HEADERS.test(name))) throw mailError('E_HEADER_NOT_ALLOWED');
    const answer = await fetch('https://send-email.example/', { method: 'POST', body: JSON.stringify(message) });
    const body = await answer.text();
    if (answer.status !== 200) throw mailError(body);
    // The local runtime's own, which looks at what it is given.
    return binding.send(message);
  },
});

/** The Worker with bindings that refuse what those of production do. */
export function limited(worker) {
  let before;
  let after;
  const bindings = (env) => {
    if (!env.SEND_EMAIL) return env;
    if (before !== env) {
      before = env;
      after = { ...env, SEND_EMAIL: sendEmail(env.SEND_EMAIL) };
    }
    return after;
  };
  return {
    ...worker,
    fetch: (request, env, ctx) => worker.fetch(request, bindings(env), ctx),
    scheduled: (event, env, ctx) => worker.scheduled(event, bindings(env), ctx),
  };
}
