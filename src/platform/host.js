// The host's half of http.rs: what would cross the boundary several times crosses it once.

/** Method, `Host` and URL, a line each; none of them can hold a line feed. */
export const head = ({ method, headers, url }) => `${method}\n${headers.get('Host') ?? ''}\n${url}`;

export const header = (request, name) => request.headers.get(name);

// What every answer carries. Made once for each kind of body, they are copied in one step.
const all = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };
// None, JSON, a page: as `Body` in http.rs counts.
const kinds = [{}, { 'Content-Type': 'application/json' }, { 'Content-Type': 'text/html; charset=utf-8' }];
// Over http a browser has to ignore it (RFC 6797 section 8.1), and nobody is to send it (section 7.2).
const overHttps = { 'Strict-Transport-Security': 'max-age=31536000' };
const byHttp = kinds.map((kind) => new Headers({ ...all, ...kind }));
const byHttps = kinds.map((kind) => new Headers({ ...all, ...overHttps, ...kind }));

/** A response; `more` holds names and values of other headers, a line each. */
export function respond(status, kind, isHttps, body, more) {
  const headers = (isHttps ? byHttps : byHttp)[kind];
  const response = new Response(body, { status, headers });
  if (more) {
    const lines = more.split('\n');
    // One of a name above takes its place.
    for (let i = 0; i < lines.length; i += 2) response.headers.set(lines[i], lines[i + 1]);
  }
  return response;
}
