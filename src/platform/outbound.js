// The host's half of outbound.rs and of mail/cloudflare.rs: calls that end in time, whatever the other side does.

/** At most so many bytes of a body, as text. */
async function beginning(response, limit) {
  if (!response.body) return '';
  const bytes = [];
  for await (const chunk of response.body) {
    for (const byte of chunk.subarray(0, limit - bytes.length)) bytes.push(byte);
    // Leaving the loop cancels the rest.
    if (bytes.length >= limit) break;
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}

/**
 * What `url` answers with: its status and at most `limit` bytes of its body, on the lines from the second one; with
 * `readsErrors` alone of an answer that is not 2xx. `lines` holds names and values of headers by turns. A redirect is an answer
 * and not followed: what is sent is for that server alone.
 */
export async function call(method, url, lines, body, milliseconds, limit, readsErrors) {
  const parts = lines.split('\n');
  const headers = new Headers();
  for (let i = 0; i + 1 < parts.length; i += 2) headers.set(parts[i], parts[i + 1]);
  const aborting = new AbortController();
  return within(milliseconds, aborting, async () => {
    const response = await fetch(url, { method, headers, body, redirect: 'manual', signal: aborting.signal });
    if (readsErrors && response.ok) {
      // Nobody waits for what would follow.
      response.body?.cancel().catch(() => {});
      return `${response.status}\n`;
    }
    return `${response.status}\n${await beginning(response, limit)}`;
  });
}

/** Hands a message, as JSON, to a `send_email` binding. Says the code of its error, or an empty text. */
export async function submit(binding, json, milliseconds) {
  try {
    await within(milliseconds, new AbortController(), () => binding.send(JSON.parse(json)));
    return '';
  } catch (error) {
    // Its message may name the recipient.
    return `${error?.code ?? error?.name}`;
  }
}

/** What `work` comes to, unless it takes too long. */
async function within(milliseconds, aborting, work) {
  let timer;
  const tooLong = new Promise((_, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`no answer within ${milliseconds} ms`);
      error.name = 'TimeoutError';
      reject(error);
      aborting.abort(error);
    }, milliseconds);
  });
  try {
    return await Promise.race([work(), tooLong]);
  } finally {
    clearTimeout(timer);
  }
}
