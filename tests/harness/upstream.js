// A service behind the Worker, for the tests: it says what reached it. The last segment of the path picks how.
const written = new TextEncoder();

/** Servers that a test answers for, by providers.mjs: the last one stands for the binding `SEND_EMAIL`. */
const PROVIDERS = ['api.postmarkapp.com', 'api.pwnedpasswords.com', 'api.resend.com', 'hooks.example.com', 'send-email.example'];

/** Its first chunk comes before the request's body is looked at; that body follows as it comes in. */
function interleaved(request) {
  const { readable, writable } = new TransformStream();
  const writer = writable.getWriter();
  const rest = async () => {
    await writer.write(written.encode('first '));
    writer.releaseLock();
    await request.body.pipeTo(writable);
  };
  rest().catch(() => {});
  return new Response(readable, { headers: { 'Content-Type': 'text/plain' } });
}

/** A body of so many bytes, in chunks of 64 KiB. */
function large(length) {
  const chunk = new Uint8Array(65_536).fill(120);
  return new Response(
    new ReadableStream({
      type: 'bytes',
      pull(controller) {
        if (length === 0) return controller.close();
        const next = chunk.slice(0, Math.min(chunk.length, length));
        length -= next.length;
        controller.enqueue(next);
      },
    }),
  );
}

/** Says who has come, then every message again; `close` closes. What closes it from the other side goes to the console. */
function socket(request) {
  const [client, server] = Object.values(new WebSocketPair());
  server.binaryType = 'arraybuffer';
  server.accept();
  server.send(`user ${request.headers.get('X-Auth-User-Id')}`);
  server.addEventListener('message', ({ data }) => {
    if (data === 'close') server.close(4001, 'said so');
    else server.send(typeof data === 'string' ? `echo ${data}` : data);
  });
  server.addEventListener('close', ({ code, reason }) => console.log(`socket: ${code} ${reason}`));
  return new Response(null, {
    status: 101,
    webSocket: client,
    headers: [
      ['Sec-WebSocket-Protocol', 'echo'],
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
    ],
  });
}

export default {
  async fetch(request, env) {
    const { hostname, pathname, searchParams } = new URL(request.url);
    if (PROVIDERS.includes(hostname)) return env.PROVIDERS.fetch(request);
    console.log(`upstream: ${request.method} ${request.url}`);
    // Nobody listens there.
    if (hostname === 'down.example') return fetch('https://127.0.0.1:1');
    switch (pathname.split('/').at(-1)) {
      case 'interleaved':
        return interleaved(request);
      case 'large':
        return large(Number(searchParams.get('length')));
      case 'redirect':
        return new Response('moved', { status: 307, headers: { Location: 'https://elsewhere.example/a?b' } });
      case 'teapot':
        return new Response('short and stout', {
          status: 418,
          statusText: 'Teapot',
          headers: [
            ['Set-Cookie', 'a=1'],
            ['Set-Cookie', 'b=2'],
            ['Cache-Control', 'public, max-age=60'],
            ['X-Auth-User-Id', 'its own'],
          ],
        });
      case 'socket':
        return socket(request);
      case 'throw':
        throw new Error('a fault of the upstream');
      default: {
        const { method, url, headers } = request;
        return Response.json({ method, url, headers: [...headers], body: await request.text() });
      }
    }
  },
};
