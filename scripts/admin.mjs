// Makes an account an administrator: `make admin EMAIL=ann@example.com`, in production with `REMOTE=1`; `YES=1` does not ask. The
// role counts from the next request on, because every one reads it from the database.
import { Database, givenEmail } from './account.mjs';
import { agrees, isOn, quoted, run, Stop } from './operator.mjs';

const EXAMPLE = 'make admin EMAIL=ann@example.com';

run(async () => {
  const email = givenEmail(EXAMPLE);
  const database = new Database();
  const yes = isOn('YES');
  const { id, role } = await database.show(email);
  if (role === 'admin') {
    console.log('It is an admin already.');
    return;
  }
  // Anybody can register any address, so the operator has to see whose account it is.
  const question = { yes, byDefault: false, otherwise: `\`${EXAMPLE} YES=1\` does not ask.` };
  if (!agrees('Make it an admin?', question)) throw new Stop('Nothing was changed.');

  // An id is never used again, so the address still names the account that was shown.
  const same = `id = ${id} AND email = ${quoted(email)} AND role <> 'admin'`;
  const [, granted] = await database.execute(
    `INSERT INTO audit (at, action, user_id, address, detail)
      SELECT unixepoch() * 1000, 'role_change', id, 'operator', 'admin' FROM users WHERE ${same}`,
    `UPDATE users SET role = 'admin', updated_at = strftime('%Y-%m-%dT%H:%M:%S', 'now') WHERE ${same} RETURNING id`,
  );
  if (granted.length !== 1) throw new Stop(`The account of ${email} is not the one shown above any more. Nothing was changed.`);
  console.log(`Account ${id} is an admin ${database.where} now. The audit trail has it.`);
});
