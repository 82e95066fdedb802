// A service behind edge-auth. It knows nothing of tokens: a request is here because its token was good, and
// X-Auth-User-Id says whose it is.
const BOOKS = {
  dune: { title: 'Dune', author: 'Frank Herbert', year: 1965 },
  emma: { title: 'Emma', author: 'Jane Austen', year: 1815 },
  ulysses: { title: 'Ulysses', author: 'James Joyce', year: 1922 },
};

export default {
  fetch(request) {
    const name = new URL(request.url).pathname.match(/^\/book\/([a-z]+)$/)?.[1];
    if (!Object.hasOwn(BOOKS, name ?? '')) return Response.json({ error: 'No such book' }, { status: 404 });
    if (!['GET', 'HEAD'].includes(request.method)) {
      return Response.json({ error: 'Method not allowed' }, { status: 405, headers: { Allow: 'GET, HEAD' } });
    }
    const reader = request.headers.get('X-Auth-User-Id');
    return Response.json({ message: `Hello, user ${reader}`, book: BOOKS[name] });
  },
};
