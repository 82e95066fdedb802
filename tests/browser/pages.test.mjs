// The pages of this service in Chromium, with links from mails: by keyboard alone, enlarged, on a narrow screen, without
// scripts, in the dark, examined by axe-core. And other sites' pages, which post forms to them, read them and put them into
// frames.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { start } from '../harness/server.mjs';
import { builtWithin } from '../harness/workers.mjs';
import { answerTo, assertFits, listen, pass, violations } from './support.mjs';

/** Settings with which mail is sent, to where the harness reads it, and sign-ins are quick. */
const SETTINGS = {
  // Whatever may read the API, pages are read by nobody.
  ALLOWED_ORIGINS: '*',
  MAIL: 'cloudflare',
  MAIL_FROM: 'Example <no-reply@example.com>',
  PASSWORD_HASH: 'argon2id',
  PUBLIC_URL: 'https://auth.example.com',
  SIGN_IN_FLOOR_MS: '100',
};

const PASSWORD = 'correct horse battery';
const NEW_PASSWORD = 'a quiet green field';
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/**
 * The kinds of links that mails are sent with: how to have one sent, how long it is good, what is filled in, field by field,
 * to the end of what it is for (`right`; a page without a form has none), and what is refused beside a field (`wrong`).
 */
const LINKS = {
  verification: {
    life: DAY,
    right: { password: PASSWORD },
    wrong: { password: 'a wrong horse' },
    async send() {
      const { email } = await register();
      return mailTo(email);
    },
  },
  email_change: {
    life: DAY,
    right: { password: PASSWORD },
    wrong: { password: 'a wrong horse' },
    send: async () => (await changeOfAddress()).mail,
  },
  reset: {
    life: 30 * MINUTE,
    right: { new_password: NEW_PASSWORD },
    wrong: { new_password: 'password1' },
    send: () => askForMail('/api/auth/password/forgot'),
  },
  invitation: {
    life: 7 * DAY,
    right: { name: 'Ann', new_password: NEW_PASSWORD },
    wrong: { name: 'Ann', new_password: 'too few' },
    async send() {
      const { id, token } = await register();
      await worker.sql("UPDATE users SET role = 'admin' WHERE id = ?", [id]);
      const email = newAddress();
      await call('/api/admin/users', { email, name: 'Guest' }, token);
      return mailTo(email);
    },
  },
  email_revert: {
    life: 7 * DAY,
    right: {},
    async send() {
      const { email, mail } = await changeOfAddress();
      await call('/api/auth/email/confirm', { id: linkIn(mail).searchParams.get('id'), code: codeIn(mail) });
      return mailTo(email);
    },
  },
  sign_in: { life: 10 * MINUTE, send: () => askForMail('/api/auth/code') },
};

let worker, elsewhere, olderBrowsers, browser;

before(async () => {
  worker = await start(builtWithin('withClock'), SETTINGS);
  elsewhere = await serve();
  olderBrowsers = await serveOlderBrowsers();
  // Headless, without a sandbox (root has none), with a new profile, and without background requests.
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--disable-gpu'] });
});

after(async () => {
  await browser?.close();
  await worker?.stop();
  elsewhere?.close();
  olderBrowsers?.close();
});

/**
 * Serves pages of other sites: `/form` posts what the query of `link` has, and a password, by a button; `/frame` shows
 * `link` in a frame. Its names are two sites: 127.0.0.1 as the Worker's own, with another port, and localhost.
 */
async function serve() {
  const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
  const input = ([name, value]) => `<input name="${escaped(name)}" value="${escaped(value)}">`;
  const { port, close } = await listen(({ url }, response) => {
    const { pathname, searchParams } = new URL(url, 'http://localhost');
    const link = new URL(searchParams.get('link') ?? 'about:blank');
    const fields = [...link.searchParams, ['new_password', NEW_PASSWORD]];
    const form = `<form method="post" action="${link.origin}${link.pathname}">${fields.map(input).join('')}<button>Go</button></form>`;
    const content = {
      '/form': form,
      // Whatever is in it has no origin.
      '/sandbox': `<iframe sandbox="allow-forms allow-top-navigation" srcdoc="${escaped(form.replace('<form', '<form target="_top"'))}"></iframe>`,
      '/frame': `<iframe src="${escaped(link.href)}"></iframe>`,
    };
    response.setHeader('Content-Type', 'text/html');
    response.end(`<!doctype html><title>A page</title>${content[pathname] ?? ''}`);
  });
  const page = (host, path, link) => `http://${host}:${port}${path}?link=${encodeURIComponent(link)}`;
  return { page, close };
}

/** The Worker as browsers reach it that send no `Sec-Fetch-Site`, Safari before 16.4 among them. */
async function serveOlderBrowsers() {
  const { port, close } = await listen((request, response) => {
    const names = Object.keys(request.headers).filter((name) => !name.startsWith('sec-fetch-'));
    const headers = Object.fromEntries(names.map((name) => [name, request.headers[name]]));
    pass(request, response, worker.url, headers);
  });
  return { origin: `http://127.0.0.1:${port}`, close };
}

const confirm = () => new URL('/account/confirm', worker.url).href;

/** A link as in a mail of that kind, which was never sent. */
const deadLink = (kind) => `${confirm()}?kind=${kind}&id=1&token=never-sent`;

/** Calls the API; says what it answers. */
async function call(path, body, token) {
  const headers = ['Content-Type', 'application/json', ...(token ? ['Authorization', `Bearer ${token}`] : [])];
  const answer = await worker.send('POST', path, headers, [Buffer.from(JSON.stringify(body))]);
  assert.ok(answer.status < 300, `${path}: ${answer.status} ${answer.body}`);
  return answer.body.length ? JSON.parse(answer.body) : undefined;
}

let addresses = 0;

/** An address that nobody has. It is long, as some are. */
const newAddress = () => `somebody-with-a-rather-long-address-${++addresses}@department.example.com`;

/** The text of the one mail that was sent to an address since mails were last read. */
async function mailTo(address) {
  for (let i = 0; i < 1000 && (await worker.sql('SELECT 1 FROM outbox', [])).length; i++);
  const mails = worker.providersReceived().map(({ body }) => JSON.parse(body));
  const [mail, ...others] = mails.filter(({ to }) => to === address);
  assert.ok(mail && others.length === 0, `${mails.length} mails, not one to ${address}`);
  return mail.text;
}

const linkIn = (mail) => new URL(mail.match(/https:\S+/)[0]);

const codeIn = (mail) => mail.match(/^\d{6}$/m)[0];

/** An account whose address is not proven yet. */
async function register() {
  const email = newAddress();
  const { access_token: token, user } = await call('/api/auth/register', { email, name: 'Ann Lee', password: PASSWORD });
  return { email, token, id: user.id };
}

/** An account whose address is proven. */
async function registerAndVerify() {
  const account = await register();
  const link = linkIn(await mailTo(account.email));
  await call('/api/auth/email/verify', { token: link.searchParams.get('token') }, account.token);
  return account;
}

/** Has a mail sent to an account whose address is proven. */
async function askForMail(path) {
  const { email } = await registerAndVerify();
  await call(path, { email });
  return mailTo(email);
}

/** Asks for another address of an account; says the one that it has, and the mail to the other. */
async function changeOfAddress() {
  const { email, token } = await registerAndVerify();
  const newEmail = newAddress();
  await call('/api/auth/email', { email: newEmail }, token);
  return { email, newEmail, mail: await mailTo(newEmail) };
}

/** Has a mail of that kind sent; says where its link leads, here. */
async function sendLink(kind) {
  const { pathname, search } = linkIn(await LINKS[kind].send());
  return new URL(pathname + search, worker.url).href;
}

/** Has a mail of that kind sent, and opens its link. */
async function openLink(page, kind) {
  const link = await sendLink(kind);
  await page.goto(link);
  return link;
}

/** Opens another site's page, which has a link of ours, and presses its button. */
async function postFrom(page, host, link, path = '/form') {
  await page.goto(elsewhere.page(host, path, link));
  const content = path === '/form' ? page : page.frameLocator('iframe');
  return answerTo(page, () => content.locator('button').click());
}

/** Fills in a form by keyboard alone, from the top of the page, and sends it. */
async function fillIn(page, fields) {
  for (const [name, value] of Object.entries(fields)) {
    await page.keyboard.press('Tab');
    assert.equal(await page.locator(':focus').getAttribute('name'), name);
    await page.keyboard.type(value);
  }
  await page.keyboard.press('Tab');
  const { tag, outline } = await page.locator(':focus').evaluate((element) => {
    return { tag: element.localName, outline: getComputedStyle(element).outlineStyle };
  });
  assert.deepEqual({ tag, outline }, { tag: 'button', outline: 'solid' });
  return answerTo(page, () => page.keyboard.press('Enter'));
}

/** Opens a link and fills in what is wrong. */
async function fillInWrongly(page, kind) {
  await openLink(page, kind);
  return fillIn(page, LINKS[kind].wrong);
}

/** Opens a link to a new address that somebody else takes, and sends its form. */
async function openTaken(page) {
  const { newEmail, mail } = await changeOfAddress();
  await call('/api/auth/register', { email: newEmail, name: 'Bob', password: PASSWORD });
  await page.goto(new URL(linkIn(mail).search, confirm()).href);
  return fillIn(page, LINKS.email_change.right);
}

/** Opens a link that asks for the password of an account that has none. */
async function openWithoutPassword(page) {
  const { email, id } = await register();
  const link = linkIn(await mailTo(email));
  await worker.sql('UPDATE users SET password_hash = NULL WHERE id = ?', [id]);
  await page.goto(new URL(link.search, confirm()).href);
}

const open = (path) => (page) => page.goto(new URL(path, worker.url).href);

/** Opens the page to sign in on, and fills in the name of an account and this password. */
async function signIn(page, password) {
  const { email } = await register();
  await open('/sign-in')(page);
  return fillIn(page, { username: email, password });
}

/** Has a code sent, and so comes to the page for it. */
async function openCode(page) {
  const { email } = await register();
  await open('/sign-in')(page);
  await page.locator('[name=username]').fill(email);
  return answerTo(page, () => page.locator('button[formaction]').click());
}

/** How to get to each page that there is. */
const PAGES = {
  'signing in': open('/sign-in'),
  'signing in, filled in wrongly': (page) => signIn(page, 'a wrong horse'),
  'a code to sign in with': openCode,
  'making an account': open('/sign-up'),
  security: (page) => signIn(page, PASSWORD),
  'a dead link': (page) => page.goto(deadLink('reset')),
  'a forged form': (page) => postFrom(page, 'localhost', deadLink('reset')),
  'a path that is not there': (page) => page.goto(new URL('/account/nowhere', worker.url).href),
  'an address that is taken': openTaken,
  'an account without a password': openWithoutPassword,
  ...Object.fromEntries(
    Object.entries(LINKS).flatMap(([kind, { right, wrong }]) => [
      [kind, (page) => openLink(page, kind)],
      ...(wrong ? [[`${kind}, filled in wrongly`, (page) => fillInWrongly(page, kind)]] : []),
      ...(right ? [[`${kind}, done`, (page) => openLink(page, kind).then(() => fillIn(page, right))]] : []),
    ]),
  ),
};

const WITHOUT_SCRIPTS = { javaScriptEnabled: false };

/** Opens a page in a browser of its own and does something with it. Whatever its policy blocks is a failure. */
async function visit(open, options, look) {
  const context = await browser.newContext(options);
  try {
    const page = await context.newPage();
    const blocked = [];
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) blocked.push(message.text());
    });
    const opened = await open(page);
    await look(page, opened);
    assert.deepEqual(blocked, []);
  } finally {
    await context.close();
  }
}

/** It says something in that language, and whose page it is, on whatever screen. */
async function assertReadable(page, language) {
  assert.equal(await page.locator('html').getAttribute('lang'), language);
  assert.ok((await page.locator('main').innerText()).length > 30);
  assert.equal(await page.locator('header').innerText(), 'auth.example.com');
  assert.match(await page.title(), / – auth\.example\.com$/);
  // No other page has one.
  assert.equal(await page.locator('script').count(), await page.locator('form[data-passkey]').count());
  await assertFits(page);
}

const heading = (page) => page.locator('h1').innerText();

async function assertDead(page) {
  assert.equal(await heading(page), 'This link is no longer valid');
}

for (const [name, open] of Object.entries(PAGES)) {
  test(`${name}: axe-core finds nothing, and it has the colours that are asked for`, () =>
    visit(open, {}, async (page) => {
      const colours = [];
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme });
        colours.push(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
        assert.deepEqual(await violations(page), [], colorScheme);
      }
      assert.deepEqual(colours, ['rgb(243, 244, 246)', 'rgb(20, 23, 26)']);
      await assertReadable(page, 'en');
    }));

  test(`${name}: it is there without scripts, and fits in German, which is longer`, () =>
    visit(open, { ...WITHOUT_SCRIPTS, locale: 'de-AT' }, (page) => assertReadable(page, 'de')));
}

for (const [kind, { life, right, wrong }] of Object.entries(LINKS)) {
  if (right) {
    test(`${kind}: it is done by keyboard alone, without scripts, and once`, () =>
      visit((page) => openLink(page, kind), WITHOUT_SCRIPTS, async (page, link) => {
        const other = await page.context().newPage();
        await other.goto(link);
        assert.equal((await fillIn(page, right)).status(), 200);
        assert.equal(await heading(page), 'Done');
        // As when the button is pressed twice, and when the mail is opened again.
        assert.equal((await fillIn(other, right)).status(), 400);
        await assertDead(other);
        assert.equal((await page.goto(link)).status(), 400);
        await assertDead(page);
      }));

    test(`${kind}: it is done in browsers that do not say where a form is from`, () =>
      visit((page) => sendLink(kind), {}, async (page, link) => {
        await page.goto(link.replace(new URL(link).origin, olderBrowsers.origin));
        const answer = await fillIn(page, right);
        const { origin, referer } = await answer.request().allHeaders();
        // The token is not in it.
        assert.deepEqual([origin, referer], [olderBrowsers.origin, `${olderBrowsers.origin}/`]);
        assert.equal(answer.status(), 200);
        assert.equal(await heading(page), 'Done');
      }));
  }

  if (wrong) {
    test(`${kind}: what is wrong is said beside the field, which has the focus, and can be mended`, () =>
      visit((page) => fillInWrongly(page, kind), WITHOUT_SCRIPTS, async (page) => {
        assert.match(await page.title(), /^Error: /);
        const field = page.locator('[aria-invalid]');
        assert.ok(await field.evaluate((input) => input === document.activeElement));
        const [described] = (await field.getAttribute('aria-describedby')).split(' ');
        assert.match(await page.locator(`#${described}[role=alert]`).innerText(), /^Error: /);
        assert.equal(await field.inputValue(), '');
        await page.keyboard.type(right[await field.getAttribute('name')]);
        const answer = await answerTo(page, () => page.keyboard.press('Enter'));
        assert.equal(answer.status(), 200);
        assert.equal(await heading(page), 'Done');
      }));
  }

  test(`${kind}: it expires`, () =>
    visit((page) => openLink(page, kind), {}, async (page, link) => {
      const later = (ms) => page.setExtraHTTPHeaders({ 'Clock-Ahead-Ms': `${ms}` });
      await later(life - MINUTE);
      assert.equal((await page.goto(link)).status(), 200);
      await later(life + 1000);
      if (right) {
        assert.equal((await fillIn(page, right)).status(), 400);
        await assertDead(page);
      }
      assert.equal((await page.goto(link)).status(), 400);
      await assertDead(page);
    }));
}

test('the code of the mail is on its page, and no button', async () => {
  const mail = await LINKS.sign_in.send();
  await visit((page) => page.goto(new URL(linkIn(mail).search, confirm()).href), {}, async (page) => {
    assert.equal(await page.locator('.code').innerText(), codeIn(mail));
    assert.equal(await page.locator('form, button, input').count(), 0);
  });
});

test('an account without a password is told where to enter the code', () =>
  visit(openWithoutPassword, {}, async (page) => {
    assert.match(await page.locator('main').innerText(), /Enter the code from the email/);
    assert.equal(await page.locator('form, button, input').count(), 0);
  }));

test('an address that is taken meanwhile is said to be', () =>
  visit(openTaken, {}, async (page, answer) => {
    assert.equal(answer.status(), 409);
    assert.equal(await heading(page), 'This email address is taken');
  }));

test('a form of our own page is read, although the page tells nobody where it is', () =>
  visit((page) => page.goto(deadLink('reset')), {}, async (page) => {
    const answer = await answerTo(page, () =>
      page.evaluate(() => {
        document.body.innerHTML = '<form method="post" action="/account/confirm"><input name="kind" value="reset"></form>';
        document.forms[0].submit();
      }),
    );
    const { referer, origin } = await answer.request().allHeaders();
    assert.deepEqual([referer, origin], [undefined, 'null']);
    // Its link is dead, but it was read.
    assert.equal(answer.status(), 400);
    assert.equal(await page.locator('h1').innerText(), 'This link is no longer valid');
  }));

for (const [site, host] of [['another site', 'localhost'], ['another origin of the same site', '127.0.0.1']]) {
  test(`a form of ${site} is refused, although its link is good`, () =>
    visit(() => sendLink('reset'), {}, async (page, link) => {
      const ours = new URL(link).origin;
      for (const target of [ours, olderBrowsers.origin]) {
        for (const path of ['/form', '/sandbox']) {
          const answer = await postFrom(page, host, link.replace(ours, target), path);
          assert.equal(answer.status(), 403, `${path} to ${target}`);
          assert.equal(await heading(page), 'This form was not accepted');
        }
      }
      await page.goto(link);
      assert.equal((await fillIn(page, LINKS.reset.right)).status(), 200);
    }));

  test(`${site} neither reads a page nor frames it`, async () => {
    const link = await sendLink('reset');
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(elsewhere.page(host, '/frame', link));
    const [frame] = page.frames().filter((frame) => frame !== page.mainFrame());
    await frame.waitForLoadState();
    assert.match(frame.url(), /^chrome-error:/);
    const read = await page.evaluate(async (url) => {
      const text = async (mode) => (await fetch(url, { mode })).text();
      return Promise.all(['cors', 'no-cors'].map((mode) => text(mode).catch(({ name }) => name)));
    }, link);
    // Nor can what needs no leave bring it into the other page's process.
    assert.deepEqual(read, ['TypeError', 'TypeError']);
    await context.close();
  });
}
