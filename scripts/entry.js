// The module Cloudflare loads. It hands each event to the Rust code and keeps the one promise that Rust
// cannot keep: when the wasm instance dies (a panic, memory exhausted), its requests are answered all the same.
import * as app from 'edge-auth';

const instance = app.__worker_init_state();
let current = instance.instanceId;
const unanswered = new Set();

// A trap inside a callback reaches no caller, only the global scope, and the promise of its request would stay
// pending for ever, as would those of all requests that shared the dead instance.
function replaceDeadInstance({ error, reason = error }) {
  // The glue exchanges a dead instance when it is next called, whatever the call.
  app.__worker_init_state();
  if (instance.instanceId === current) return;
  current = instance.instanceId;
  for (const giveUp of unanswered) giveUp(reason);
}
addEventListener('error', replaceDeadInstance);
addEventListener('unhandledrejection', replaceDeadInstance);

// As src/api/cors.rs words it: whoever may read other answers may read this one, and so can tell a service in
// trouble from a network that is down.
function corsHeaders(request, { ALLOWED_ORIGINS = '' }) {
  const origins = `${ALLOWED_ORIGINS}`.split(/[\s,]+/).filter(Boolean);
  if (origins.length === 0) return {};
  const any = origins[0] === '*';
  const origin = any ? '*' : request.headers.get('Origin');
  const vary = any ? {} : { Vary: 'Origin' };
  if (!origins.includes(origin)) return vary;
  return { ...vary, 'Access-Control-Allow-Origin': origin, 'Access-Control-Expose-Headers': 'X-Request-Id' };
}

function internalServerError(request, env, error) {
  const { method, url } = request;
  const { pathname: path, protocol } = new URL(url);
  const id = crypto.randomUUID();
  console.error(JSON.stringify({ level: 'error', error: `${error?.stack}`, method, request_id: id }));
  const headers = {
    'Content-Type': 'application/json',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'X-Request-Id': id,
    // As src/worker.rs does.
    ...(protocol === 'https:' && { 'Strict-Transport-Security': 'max-age=31536000' }),
    ...corsHeaders(request, env),
  };
  const member = path === '/auth' ? 'message' : 'error';
  return new Response(`{"${member}":"Internal server error"}\n`, { status: 500, headers });
}

async function run(ctx, work) {
  let giveUp;
  try {
    const answer = new Promise((resolve, reject) => {
      unanswered.add((giveUp = reject));
      work().then(resolve, reject);
    });
    // A client that goes away would have the work stopped half-way, and its memory never freed.
    ctx.waitUntil(answer.catch(() => {}));
    return await answer;
  } catch (error) {
    replaceDeadInstance({ error });
    throw error;
  } finally {
    unanswered.delete(giveUp);
  }
}

export default {
  async fetch(request, env, ctx) {
    try {
      return await run(ctx, () => app.fetch(request, env, ctx));
    } catch (error) {
      return internalServerError(request, env, error);
    }
  },
  scheduled: (event, env, ctx) => run(ctx, () => app.scheduled(event, env, ctx)),
};
