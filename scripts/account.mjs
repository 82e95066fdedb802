// The account that an operator names by its e-mail address, in the production database or the local one.
import { given, isOn, jsonIn, quoted, reason, Stop, wrangler, wrongUse } from './operator.mjs';

/** EMAIL as the database has it; `example` shows how the command is used. */
export function givenEmail(example) {
  const email = given('EMAIL')?.toLowerCase();
  if (!email) throw wrongUse(`Whose account? ${example}, in production with REMOTE=1.`);
  return email;
}

/** The production database if REMOTE=1, or else the local one. */
export class Database {
  #remote = isOn('REMOTE');

  get where() {
    return this.#remote ? 'in production' : 'in the local database';
  }

  /** Runs SQL statements in one transaction; the rows of each. */
  async execute(...statements) {
    const target = this.#remote ? '--remote' : '--local';
    const result = await wrangler(['d1', 'execute', 'DB', target, '--yes', '--json', '--command', statements.join(';\n')]);
    if (!result.ok) {
      const why = reason(result);
      if (!this.#remote && why.includes('no such table: users')) {
        throw new Stop('There is no local database yet; `make dev` makes it.');
      }
      throw new Stop(`The database could not be asked: ${why}`);
    }
    const answers = jsonIn(result.stdout);
    if (answers?.length !== statements.length) throw new Stop('What wrangler answers cannot be understood.');
    return answers.map(({ results }) => results);
  }

  /** The account of an address, undefined if there is none. */
  async find(email) {
    const columns = 'id, name, role, disabled, created_at, email_verified_at';
    const [[account]] = await this.execute(`SELECT ${columns} FROM users WHERE email = ${quoted(email)}`);
    return account;
  }

  /** Says whose account it is. */
  describe(email, { id, name, role, disabled, created_at: made }) {
    console.log(`${email} ${this.where}: account ${id}, named ${visible(name)}, ${role}, made ${made} UTC.`);
    if (disabled) console.log('It is disabled, and stays so.');
  }

  /** Finds an account and shows it. */
  async show(email) {
    const account = await this.find(email);
    if (!account) throw new Stop(`There is no account of ${email} ${this.where}. It has to be registered first.`);
    this.describe(email, account);
    return account;
  }
}

/** A name is anybody's choice: it is shown without what moves a cursor or turns the direction of writing. */
function visible(name) {
  const escape = (character) => `\\u{${character.codePointAt(0).toString(16)}}`;
  return JSON.stringify(name).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, escape);
}
