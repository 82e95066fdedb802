// Stand-ins for a D1 that fails and for one whose queries are seen, around the Worker's own handler.

// Named as the runtime's class, by which the Worker knows a database.
const database = (prepare) =>
  new (class D1Database {
    prepare = prepare;
  })();

const withDatabase = (worker, wrap) => ({
  fetch: (request, env, ctx) => worker.fetch(request, { ...env, DB: wrap(env.DB) }, ctx),
});

const failing = {
  bind: () => failing,
  raw: async () => {
    throw new Error('D1_ERROR: internal error; reference = 0');
  },
};

export const withFailingDatabase = (worker) => withDatabase(worker, () => database(() => failing));

/** Writes each statement to the console. */
export const withSeenQueries = (worker) =>
  withDatabase(worker, (d1) =>
    database((statement) => {
      console.log(`query: ${statement}`);
      return d1.prepare(statement);
    }),
  );
