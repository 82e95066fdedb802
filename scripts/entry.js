// The module Cloudflare loads. It hands each event to the Rust code, drives it from one promise to the next, and keeps
// the one promise that Rust cannot keep: when the wasm instance dies (a panic, memory exhausted), its requests are
// answered all the same.
import { env } from 'cloudflare:workers';
import * as app from 'edge-auth';

const instance = app.__worker_init_state();
let current = instance.instanceId;
// What calls are known by in src/platform/calls.rs, in every instance.
let calls = 0;
const unanswered = new Set();

// Nobody would ever go on with those that shared a dead instance.
function replaceDeadInstance(error) {
  // The glue exchanges a dead instance when it is next called, whatever the call.
  app.__worker_init_state();
  if (instance.instanceId === current) return;
  current = instance.instanceId;
  for (const answer of unanswered) answer.reject(error);
}

// As src/http/cors.rs words it: whoever may read other answers may read this one, and so can tell a service in
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

try {
  app.prepare(env);
} catch (error) {
  replaceDeadInstance(error);
}

// The pages' headers that matter where there is no style and no form; src/http/reply.rs has them all.
const pageHeaders = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'X-Frame-Options': 'DENY',
};
const page = '<!doctype html><html lang="en"><title>Something went wrong</title><h1>Something went wrong</h1><p>Please try again later.';

const logError = (error, more) => console.error(JSON.stringify({ level: 'error', error: `${error?.stack}`, ...more }));

function internalServerError(request, env, error) {
  const { method, url } = request;
  const { pathname: path, protocol } = new URL(url);
  const id = crypto.randomUUID();
  logError(error, { method, request_id: id });
  const isPage = path.startsWith('/account/');
  const headers = {
    'Content-Type': 'application/json',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'X-Request-Id': id,
    // As src/platform/host.js does.
    ...(protocol === 'https:' && { 'Strict-Transport-Security': 'max-age=31536000' }),
    ...(isPage ? pageHeaders : corsHeaders(request, env)),
  };
  if (isPage) return new Response(page, { status: 500, headers });
  const member = path === '/auth' ? 'message' : 'error';
  return new Response(`{"${member}":"Internal server error"}\n`, { status: 500, headers });
}

// Goes on with a call to its end. A step is its answer, or the promise that it waits for; undefined comes at the end.
async function finish(call, step, answer) {
  try {
    while (step !== undefined) {
      let kept = true;
      let value;
      if (step instanceof Response) {
        answer.resolve(step);
        unanswered.delete(answer);
      } else {
        try {
          value = await step;
        } catch (reason) {
          kept = false;
          value = reason;
        }
      }
      step = app.resume(call, kept, value);
    }
    answer.resolve();
  } catch (error) {
    if (unanswered.has(answer)) answer.reject(error);
    else logError(error);
    replaceDeadInstance(error);
  } finally {
    unanswered.delete(answer);
  }
}

function answerTo(call, step, ctx) {
  const answer = Promise.withResolvers();
  unanswered.add(answer);
  // A client that goes away would have the work stopped half-way, and its memory never freed.
  ctx.waitUntil(finish(call, step, answer));
  return answer.promise;
}

export default {
  fetch(request, env, ctx) {
    const call = ++calls;
    try {
      const step = app.fetch(call, request, env);
      // What waits for nothing needs no promise.
      if (step instanceof Response && app.is_over(call)) return step;
      return answerTo(call, step, ctx).catch((error) => internalServerError(request, env, error));
    } catch (error) {
      replaceDeadInstance(error);
      return internalServerError(request, env, error);
    }
  },

  scheduled(event, env, ctx) {
    const call = ++calls;
    try {
      return answerTo(call, app.scheduled(call, `${event.cron}`, env), ctx);
    } catch (error) {
      replaceDeadInstance(error);
      throw error;
    }
  },
};
