// The host's half of http.rs: what would cross the boundary several times crosses it once.

/** Method, `Host` and URL, a line each; none of them can hold a line feed. */
export const head = ({ method, headers, url }) => `${method}\n${headers.get('Host') ?? ''}\n${url}`;

export const header = (request, name) => request.headers.get(name);

// What every answer carries. Made once, they are copied in one step.
const headers = new Headers({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' });
const headersOfJson = new Headers([...headers, ['Content-Type', 'application/json']]);

/** A response; `more` holds names and values of other headers, a line each. */
export function respond(status, isJson, body, more) {
  const response = new Response(body, { status, headers: isJson ? headersOfJson : headers });
  if (more) {
    const lines = more.split('\n');
    // One of a name above takes its place.
    for (let i = 0; i < lines.length; i += 2) response.headers.set(lines[i], lines[i + 1]);
  }
  return response;
}
