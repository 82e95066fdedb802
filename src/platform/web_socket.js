// A WebSocket that ends with the token by which it was opened. It is JavaScript alone: what lives for hours must not hang
// on a wasm instance, which may be exchanged meanwhile.

// The close codes of RFC 6455 section 7.4.1.
const GOING_AWAY = 1001;
const NO_STATUS = 1005;
const POLICY_VIOLATION = 1008;

// What setTimeout can wait for. More would be over at once.
const LONGEST_MS = 2 ** 31 - 1;

function close(socket, code, reason) {
  if (code === NO_STATUS) return socket.close();
  try {
    socket.close(code, reason);
  } catch {
    // A code that is none, or that stands for a connection without a close frame.
    socket.close(GOING_AWAY);
  }
}

/**
 * The response with a WebSocket pair between its own WebSocket and the client: both ends are closed when `endMs`, in
 * milliseconds of Unix time, has come. Without a WebSocket the response itself.
 */
export function until(response, endMs) {
  const upstream = response.webSocket;
  if (!upstream) return response;
  const [client, server] = Object.values(new WebSocketPair());
  let timer;
  const end = (code, reason) => {
    for (const socket of [server, upstream]) close(socket, code, reason);
  };
  for (const [from, to] of [[server, upstream], [upstream, server]]) {
    from.binaryType = 'arraybuffer';
    from.addEventListener('message', ({ data }) => {
      if (to.readyState === WebSocket.OPEN) to.send(data);
    });
    from.addEventListener('close', ({ code, reason }) => {
      // From here on nothing passes in either direction.
      clearTimeout(timer);
      close(to, code, reason);
    });
    from.addEventListener('error', () => end(GOING_AWAY));
    // Each side answers the other's close frame itself.
    from.accept({ allowHalfOpen: true });
  }
  const wait = () => {
    const left = endMs - Date.now();
    if (left > 0) timer = setTimeout(wait, Math.min(left, LONGEST_MS));
    else end(POLICY_VIOLATION, 'Token has expired');
  };
  wait();
  const { status, statusText, headers } = response;
  return new Response(null, { status, statusText, headers, webSocket: client });
}
