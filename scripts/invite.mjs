// Prints a link by which somebody takes over an account that is made for them, an administrator's unless ROLE says
// otherwise: `make invite EMAIL=ann@example.com`, in production with `REMOTE=1`; `YES=1` does not ask. It needs no mail and no
// other account. The secrets of the Worker cannot be read, so the link is random, and the database has its digest.
import { createHash, randomBytes } from 'node:crypto';
import { Database, givenEmail } from './account.mjs';
import { agrees, ask, given, isOn, quoted, run, Stop, wrongUse } from './operator.mjs';
import { workerSetting } from './settings.mjs';

const EXAMPLE = 'make invite EMAIL=ann@example.com';
const SERVICE = 'https://auth.example.com';

// docs/mail.md, "Challenges": the identifier, and what the Worker makes of its keys for links of its own.
const ID_BYTES = 16;
const SECRET_BYTES = 32;
const DAYS = 7;

/** docs/api.md, "Fields". The database has these rules as well, and does not say which one is broken. */
function checkedEmail(email) {
  const [, local, domain] = /^([!-?A-~]+)@([!-?A-~]+)$/.exec(email) ?? [];
  const labels = domain?.split('.') ?? [];
  if (!local || email.length > 254 || labels.length < 2 || labels.includes('')) {
    throw wrongUse(`EMAIL is an address such as ann@example.com, not ${JSON.stringify(email)}.`);
  }
  return email;
}

function givenName(email) {
  const name = (given('NAME') ?? email.split('@')[0].slice(0, 200)).normalize('NFC');
  if ([...name].length > 200 || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(name)) {
    throw wrongUse('NAME has at most 200 characters, and no control or format characters.');
  }
  return name;
}

function givenRole(remote) {
  const role = given('ROLE') ?? 'admin';
  const roles = (workerSetting('ROLES', { remote }) ?? 'customer, admin').split(/[\s,]+/).filter(Boolean);
  if (!roles.includes(role)) throw wrongUse(`ROLE is one of ${roles.join(', ')}, not ${JSON.stringify(role)}.`);
  return role;
}

/** The origin that the link leads to, as PUBLIC_URL has to be. */
function service({ remote, yes }) {
  const how = `\`${EXAMPLE} URL=${SERVICE}\` says where the service is.`;
  let url = given('URL') ?? workerSetting('PUBLIC_URL', { remote });
  if (!url) {
    url = yes ? undefined : ask(`Where is the service? Its address, such as ${SERVICE}: `);
    if (!url) throw wrongUse(`There is no PUBLIC_URL; ${how}`);
  }
  const origin = url.replace(/\/$/, '');
  const parsed = URL.canParse(origin) ? new URL(origin) : undefined;
  const isSafe = parsed?.protocol === 'https:' || (parsed?.protocol === 'http:' && parsed.hostname === 'localhost');
  if (!isSafe || parsed.origin !== origin) throw wrongUse(`${JSON.stringify(url)} is no address such as ${SERVICE}.`);
  return origin;
}

/** A link of random bytes, and what the database has of it. */
function invitation(origin) {
  const id = randomBytes(ID_BYTES);
  const secret = randomBytes(SECRET_BYTES);
  const query = new URLSearchParams({
    kind: 'invitation', id: id.toString('base64url'), token: Buffer.concat([id, secret]).toString('base64url'),
  });
  return {
    id: id.toString('base64url'),
    digest: createHash('sha256').update(secret).digest('base64url'),
    link: `${origin}/account/confirm?${query}`,
  };
}

/** The statement that makes it for the account of this address, while nobody has proven the address. */
function challenge({ id, digest }, email, condition) {
  // By its hash the mails to an address are counted, and this is none.
  const recipient = randomBytes(32).toString('base64url');
  const day = 24 * 60 * 60 * 1000;
  return `INSERT INTO challenges
      (id, kind, recipient_hash, user_id, email, created_at, expires_at, link_digest, browser)
    SELECT '${id}', 'invitation', '${recipient}', id, email, unixepoch() * 1000, unixepoch() * 1000 + ${DAYS * day},
      '${digest}', 'unknown unknown'
    FROM users WHERE email = ${quoted(email)} AND email_verified_at IS NULL AND disabled = 0 AND ${condition}
    RETURNING user_id`;
}

/** The row of the audit trail, if the invitation was made. */
const event = ({ id }, role) => `INSERT INTO audit (at, action, user_id, address, detail)
  SELECT created_at, 'invitation', user_id, 'operator', ${role ? quoted(role) : 'NULL'} FROM challenges WHERE id = '${id}'`;

run(async () => {
  const email = checkedEmail(givenEmail(EXAMPLE));
  const database = new Database();
  const remote = isOn('REMOTE');
  const yes = isOn('YES');
  const [name, role] = [givenName(email), givenRole(remote)];
  const origin = service({ remote, yes });
  const link = invitation(origin);
  const wants = (text) => {
    const question = { yes, byDefault: false, otherwise: `\`${EXAMPLE} YES=1\` does not ask.` };
    if (!agrees(text, question)) throw new Stop('Nothing was changed.');
  };

  const account = await database.find(email);
  let made;
  if (account) {
    database.describe(email, account);
    if (account.email_verified_at !== null) {
      throw new Stop(`Its address is proven: nobody can be invited to it. \`make admin EMAIL=${email}\` makes it an admin.`);
    }
    if (account.disabled) throw new Stop('Nobody can be invited to it while it is disabled.');
    // Whoever registered the address need not be whom it belongs to, and could use a new role before the link is opened.
    console.log('Nobody has proven its address. Who opens the link takes the account over, and a password that it has is gone.');
    if (account.role !== role) console.log(`It stays ${account.role} until \`make admin\` or an admin changes that.`);
    wants('Invite to it?');
    [made] = await database.execute(challenge(link, email, `id = ${account.id}`), event(link));
  } else {
    wants(`There is no account of ${email} ${database.where}. Make one, with the role ${role}, and invite to it?`);
    const values = [email, name, role].map(quoted).join(', ');
    [, made] = await database.execute(
      `INSERT INTO users (email, name, role) VALUES (${values})`, challenge(link, email, 'password_hash IS NULL'), event(link, role),
    );
  }
  if (made.length !== 1) throw new Stop(`The account of ${email} is not the one shown above any more. Nothing was changed.`);
  console.log(`Account ${made[0].user_id} ${database.where} is taken over by whoever first opens this link, in ${DAYS} days at most:`);
  console.log(link.link);
});
