// The host's half of http.rs: what would cross the boundary several times crosses it once.

/** Method, `Host` and URL, a line each; none of them can hold a line feed. */
export const head = ({ method, headers, url }) => `${method}\n${headers.get('Host') ?? ''}\n${url}`;

export const header = (request, name) => request.headers.get(name);

// What every answer carries. Made once, they are copied in one step.
const all = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };
const ofJson = { 'Content-Type': 'application/json' };
// Over http a browser has to ignore it (RFC 6797 section 8.1), and nobody is to send it (section 7.2).
const overHttps = { 'Strict-Transport-Security': 'max-age=31536000' };
const emptyByHttp = new Headers(all);
const jsonByHttp = new Headers({ ...all, ...ofJson });
const emptyByHttps = new Headers({ ...all, ...overHttps });
const jsonByHttps = new Headers({ ...all, ...overHttps, ...ofJson });

/** A response; `more` holds names and values of other headers, a line each. */
export function respond(status, isJson, isHttps, body, more) {
  const headers = isHttps ? (isJson ? jsonByHttps : emptyByHttps) : isJson ? jsonByHttp : emptyByHttp;
  const response = new Response(body, { status, headers });
  if (more) {
    const lines = more.split('\n');
    // One of a name above takes its place.
    for (let i = 0; i < lines.length; i += 2) response.headers.set(lines[i], lines[i + 1]);
  }
  return response;
}
