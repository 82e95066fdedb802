// Opens an account that failed sign-ins have closed: `make unlock EMAIL=ann@example.com`, in production with `REMOTE=1`.
import { Database, givenEmail } from './account.mjs';
import { run } from './operator.mjs';

run(async () => {
  const email = givenEmail('make unlock EMAIL=ann@example.com');
  const database = new Database();
  const { id } = await database.show(email);
  // The keys of an account begin with its id and a space, after which `!` is the next character. Where its owner signed in
  // from stays known.
  await database.execute(
    `UPDATE attempts SET failures = 0, closed_until = 0 WHERE key > 'user ${id} ' AND key < 'user ${id}!'`,
    `INSERT INTO audit (at, action, user_id, address) VALUES (unixepoch() * 1000, 'unlock', ${id}, 'operator')`,
  );
  console.log(`The failed sign-ins of account ${id} are forgotten. The audit trail has it.`);
  console.log('An address that has just failed still waits out its own minutes, at most 15.');
});
