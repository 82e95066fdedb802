// Makes an account an administrator: `make admin EMAIL=ann@example.com`, in production with `REMOTE=1`. The role counts from
// the next request on, because every one reads it from the database.
import { given, isOn, jsonIn, quoted, reason, run, Stop, wrangler, wrongUse } from './operator.mjs';

// The service's own form of an address, without the rules that no stored address can break.
const EMAIL = /^[!-?A-~]+@[!-?A-~]+\.[!-?A-~]+$/;

run(async () => {
  const email = given('EMAIL')?.toLowerCase();
  if (!email) throw wrongUse('Whose account? make admin EMAIL=ann@example.com, in production with REMOTE=1.');
  if (!EMAIL.test(email) || email.length > 254) throw wrongUse(`${JSON.stringify(email)} is no e-mail address.`);
  const remote = isOn('REMOTE');
  const where = remote ? 'in production' : 'in the local database';

  const update = `UPDATE users SET role = 'admin', updated_at = strftime('%Y-%m-%dT%H:%M:%S', 'now')
    WHERE email = ${quoted(email)} RETURNING id, name, disabled, created_at`;
  const result = await wrangler(
    ['d1', 'execute', 'DB', remote ? '--remote' : '--local', '--yes', '--json', '--command', update],
  );
  if (!result.ok) {
    const why = reason(result);
    if (!remote && why.includes('no such table')) throw new Stop('There is no local database yet; `make dev` makes it.');
    throw new Stop(`The database could not be asked: ${why}`);
  }
  const [account] = jsonIn(result.stdout)?.[0]?.results ?? [];
  if (!account) throw new Stop(`There is no account of ${email} ${where}. It has to be registered first.`);
  // The name is anybody's choice, so not as it is to a terminal.
  console.log(`${email}, account ${account.id}, named ${JSON.stringify(account.name)}, made ${account.created_at}, is an admin ${where}.`);
  if (account.disabled) console.log('The account is disabled, and stays so.');
});
