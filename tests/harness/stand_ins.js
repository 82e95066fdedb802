// What tests put around the Worker's own handlers: a clock that is set, bindings that fail, queries that are seen.

const withBindings = (worker, change) => ({
  fetch: (request, env, ctx) => worker.fetch(request, { ...env, ...change(env) }, ctx),
  scheduled: (event, env, ctx) => worker.scheduled(event, { ...env, ...change(env) }, ctx),
});

async function fail() {
  throw new Error('D1_ERROR: internal error; reference = 0');
}

export function withFailingDatabase(worker) {
  const statement = { bind: () => statement, raw: fail };
  return withBindings(worker, () => ({ DB: { prepare: () => statement, batch: fail } }));
}

/** A database that fails, before or after it has done its work, for requests with the header `Database: fails`. */
const withDatabaseFailing = (fault) => (worker) => {
  const statement = (inner) => ({
    bind: (...values) => statement(inner.bind(...values)),
    raw: () => fault(() => inner.raw()),
    inner,
  });
  const failing = ({ DB }) => ({
    prepare: (text) => statement(DB.prepare(text)),
    batch: (statements) => fault(() => DB.batch(statements.map(({ inner }) => inner))),
  });
  return {
    ...worker,
    fetch(request, env, ctx) {
      const DB = request.headers.get('Database') === 'fails' ? failing(env) : env.DB;
      return worker.fetch(request, { ...env, DB }, ctx);
    },
  };
};

export const withDatabaseFailingBefore = withDatabaseFailing(fail);

export const withDatabaseFailingAfter = withDatabaseFailing(async (work) => {
  await work();
  await fail();
});

/** Writes each statement to the console. */
export const withSeenQueries = (worker) =>
  withBindings(worker, ({ DB }) => ({
    DB: {
      prepare(statement) {
        console.log(`query: ${statement}`);
        return DB.prepare(statement);
      },
      batch: (statements) => DB.batch(statements),
    },
  }));

/** Writes how many rows each statement has written, but for those that wrote none, to the console. */
export function withCountedRows(worker) {
  const count = ({ results, meta }) => {
    if (meta.rows_written) console.log(`rows written: ${meta.rows_written}`);
    return results;
  };
  const statement = (inner) => ({
    bind: (...values) => statement(inner.bind(...values)),
    raw: async () => count(await inner.all()).map(Object.values),
    inner,
  });
  return withBindings(worker, ({ DB }) => ({
    DB: {
      prepare: (text) => statement(DB.prepare(text)),
      async batch(statements) {
        const answers = await DB.batch(statements.map(({ inner }) => inner));
        answers.forEach(count);
        return answers;
      },
    },
  }));
}

/**
 * Runs the statement of the header `Meanwhile` once the database has answered the request so many times as
 * `Meanwhile-After` says: what others do between two steps of it.
 */
export function withMeanwhile(worker) {
  return {
    ...worker,
    fetch(request, env, ctx) {
      const meanwhile = request.headers.get('Meanwhile');
      let answersLeft = Number(request.headers.get('Meanwhile-After'));
      const answered = async (answer) => {
        const rows = await answer;
        if (meanwhile && --answersLeft === 0) await env.DB.prepare(meanwhile).run();
        return rows;
      };
      const statement = (inner) => ({
        bind: (...values) => statement(inner.bind(...values)),
        raw: () => answered(inner.raw()),
        inner,
      });
      const DB = {
        prepare: (text) => statement(env.DB.prepare(text)),
        batch: (statements) => answered(env.DB.batch(statements.map(({ inner }) => inner))),
      };
      return worker.fetch(request, { ...env, DB }, ctx);
    },
  };
}

/** Writes how many milliseconds each answer of the database took to the console. */
export function withTimedDatabase(worker) {
  const timed = async (answer) => {
    const asked = Date.now();
    try {
      return await answer;
    } finally {
      console.log(`database: ${Date.now() - asked} ms`);
    }
  };
  const statement = (inner) => ({
    bind: (...values) => statement(inner.bind(...values)),
    raw: () => timed(inner.raw()),
    inner,
  });
  return withBindings(worker, ({ DB }) => ({
    DB: {
      prepare: (text) => statement(DB.prepare(text)),
      batch: (statements) => timed(DB.batch(statements.map(({ inner }) => inner))),
    },
  }));
}

/** Writes where each session of the database starts to the console. */
export const withSeenSessions = (worker) =>
  withBindings(worker, ({ DB }) => ({
    DB: {
      withSession(start) {
        console.log(`session: ${start}`);
        return DB.withSession(start);
      },
      prepare: (statement) => DB.prepare(statement),
      batch: (statements) => DB.batch(statements),
    },
  }));

export function withFailingRateLimits(worker) {
  const limit = async () => {
    throw new Error('no rate limit today');
  };
  return withBindings(worker, () => ({ SIGN_INS: { limit }, REGISTRATIONS: { limit } }));
}

/** Each request says how far the clock is ahead from then on. */
export function withClock(worker) {
  const now = Date.now;
  let aheadMs = 0;
  Date.now = () => now() + aheadMs;
  return {
    fetch(request, env, ctx) {
      aheadMs = Number(request.headers.get('Clock-Ahead-Ms'));
      return worker.fetch(request, env, ctx);
    },
    scheduled: (event, env, ctx) => worker.scheduled(event, env, ctx),
  };
}

/** Timers end ten times sooner. */
export function withFastTimers(worker) {
  const { setTimeout } = globalThis;
  globalThis.setTimeout = (callback, milliseconds, ...rest) => setTimeout(callback, milliseconds / 10, ...rest);
  return worker;
}
