// A D1 whose every query fails, as when the database cannot be reached.
class Statement {
  bind() {
    return this;
  }

  async raw() {
    throw new Error('D1_ERROR: internal error; reference = 0');
  }
}

// Named as the runtime's class, by which the Worker knows a database.
class D1Database {
  prepare() {
    return new Statement();
  }
}

export const withFailingDatabase = (worker) => ({
  fetch: (request, env, ctx) => worker.fetch(request, { ...env, DB: new D1Database() }, ctx),
});
