// Passkeys and the second step on the pages of this service, in Chromium, which has authenticators that are simulated, and
// counts localhost as a domain that passkeys may be of.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { start } from '../harness/server.mjs';
import { builtWithin } from '../harness/workers.mjs';
import { answerTo, assertFits, listen, pass, violations } from './support.mjs';

const PASSWORD = 'correct horse battery';
const MINUTE = 60_000;

let worker, front, origin, browser;

before(async () => {
  // The Worker has to know its URL before it starts.
  front = await listen((request, response) => pass(request, response, worker.url));
  origin = `http://localhost:${front.port}`;
  const settings = {
    MAIL: 'cloudflare',
    MAIL_FROM: 'Example <no-reply@example.com>',
    PASSWORD_HASH: 'argon2id',
    PUBLIC_URL: origin,
    SIGN_IN_FLOOR_MS: '100',
  };
  worker = await start(builtWithin('withClock'), settings);
  // Headless, without a sandbox (root has none), with a new profile, and without background requests.
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--disable-gpu'] });
});

after(async () => {
  await browser?.close();
  await worker?.stop();
  front?.close();
});

let accounts = 0;

/** A new account, signed in by its password in a browser of its own. Whatever a page's policy blocks is a failure. */
async function visit(look, { options = {}, offers = false, authenticator = {} } = {}) {
  const email = `ann-${++accounts}@example.com`;
  const body = Buffer.from(JSON.stringify({ email, name: 'Ann Lee', password: PASSWORD }));
  const { status } = await worker.send('POST', '/api/auth/register', ['Content-Type', 'application/json'], [body]);
  assert.equal(status, 201);
  const context = await browser.newContext(options);
  try {
    const page = await context.newPage();
    const wrong = [];
    page.on('pageerror', (error) => wrong.push(`${error}`));
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) wrong.push(message.text());
    });
    // A simulated authenticator takes what is offered without anybody who chooses it.
    if (!offers) await context.addInitScript(() => (PublicKeyCredential.isConditionalMediationAvailable = undefined));
    const visitor = { page, context, email, authenticator: await simulate(page, authenticator) };
    await enter(visitor);
    await look(visitor);
    assert.deepEqual(wrong, []);
  } finally {
    await context.close();
  }
}

/** Gives a page an authenticator whose owner agrees to everything. */
async function simulate(page, options) {
  const session = await page.context().newCDPSession(page);
  const send = (method, parameters) => session.send(`WebAuthn.${method}`, parameters);
  await send('enable');
  const { authenticatorId } = await send('addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
      ...options,
    },
  });
  return (method, parameters) => send(method, { authenticatorId, ...parameters });
}

const goto = (page, path) => page.goto(origin + path);

const heading = (page) => page.locator('h1').innerText();

const press = (page, name) => page.getByRole('button', { name, exact: true }).click();

const path = (page) => new URL(page.url()).pathname;

const alert = (page) => page.locator('[role=alert]:visible').innerText();

/** Types name and password. */
async function enter({ page, email }) {
  await goto(page, '/sign-in');
  await page.fill('[name=username]', email);
  await page.fill('[name=password]', PASSWORD);
  return answerTo(page, () => page.locator('form:has([name=password]) button >> nth=0').click());
}

const assertSignedIn = async (page) => assert.equal(await heading(page), 'Security');

const signOut = ({ page }) => answerTo(page, () => press(page, 'Sign out'));

/** Makes a passkey on its page. */
async function addPasskey({ page }, { name = 'My key', secondFactor = false } = {}) {
  await goto(page, '/account/security/passkey');
  await page.fill('[name=name]', name);
  await page.setChecked('[name=second_factor]', secondFactor);
  await answerTo(page, () => press(page, 'Create passkey'));
  assert.equal(await page.locator('[role=status]').innerText(), 'Your passkey is added.');
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** The code of RFC 6238 for the key that a page shows, so many steps from now. */
function codeOf(key, steps = 0) {
  const bits = [...key.replaceAll(' ', '')].map((digit) => BASE32.indexOf(digit).toString(2).padStart(5, '0')).join('');
  const secret = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const hash = crypto.createHmac('sha1', secret).update(counter).digest();
  const number = hash.readUInt32BE(hash.at(-1) & 15) & 0x7fffffff;
  return `${number % 1_000_000}`.padStart(6, '0');
}

/** Switches an authenticator app on by its pages; says its key and the recovery codes. */
async function setUpApp({ page }) {
  await goto(page, '/account/security');
  await answerTo(page, () => press(page, 'Set up an authenticator app'));
  const key = await page.locator('.key').innerText();
  await page.fill('[name=code]', codeOf(key));
  await answerTo(page, () => press(page, 'Switch on'));
  assert.equal(await heading(page), 'Your recovery codes');
  return { key, codes: await page.locator('.codes li').allInnerTexts() };
}

/** Shows a code as the second factor. */
async function enterCode(page, code) {
  await page.fill('[name=code]', code);
  return answerTo(page, () => press(page, 'Continue'));
}

test('a passkey is made, signs in without a name, is renamed and removed', () =>
  visit(async (visitor) => {
    const { page, authenticator } = visitor;
    await addPasskey(visitor, { name: 'Laptop' });
    await signOut(visitor);
    await answerTo(page, () => press(page, 'Sign in with a passkey'));
    await assertSignedIn(page);
    const passkeys = page.locator('#passkeys');
    assert.match(await passkeys.innerText(), /Laptop[^]*Last used: /);

    await page.locator('summary').click();
    await passkeys.locator('[name=name]').fill('Old laptop');
    await answerTo(page, () => press(page, 'Save name'));
    assert.match(await passkeys.innerText(), /Old laptop/);
    await page.locator('summary').click();
    await answerTo(page, () => press(page, 'Remove'));
    assert.equal(await passkeys.locator('li').count(), 0);
    // The authenticator still has it.
    const { credentials } = await authenticator('getCredentials');
    assert.equal(credentials.length, 1);
    await signOut(visitor);
    const answer = await answerTo(page, () => press(page, 'Sign in with a passkey'));
    assert.equal(answer.status(), 401);
    assert.match(await alert(page), /This passkey was not accepted/);
    // The page goes on.
    await enter(visitor);
    await assertSignedIn(page);
  }));

test('a passkey is found where a name is typed', () =>
  visit(
    async (visitor) => {
      const { page } = visitor;
      await addPasskey(visitor);
      const isAnswer = (response) => response.url().endsWith('/sign-in/passkey');
      await Promise.all([page.waitForResponse(isAnswer), signOut(visitor)]);
      await page.waitForURL('**/account/security');
      await assertSignedIn(page);
    },
    { offers: true },
  ));

test('a passkey is the second factor after the password', () =>
  visit(async (visitor) => {
    const { page, authenticator } = visitor;
    await addPasskey(visitor, { secondFactor: true });
    assert.match(await page.locator('#passkeys').innerText(), /My key \(Second step on\)/);
    await signOut(visitor);
    await enter(visitor);
    assert.equal(await heading(page), 'One more step');
    // There is nothing that could be typed.
    assert.equal(await page.locator('input:visible').count(), 0);
    await answerTo(page, () => press(page, 'Use a passkey'));
    await assertSignedIn(page);

    // Somebody else's device, and then nobody's.
    await signOut(visitor);
    await enter(visitor);
    await authenticator('clearCredentials');
    await press(page, 'Use a passkey');
    await page.locator('[data-error]:visible').waitFor();
    assert.match(await alert(page), /There was no passkey, or it was cancelled/);
    assert.equal(await heading(page), 'One more step');
  }));

test('two ways to go on are offered where there are two', () =>
  visit(async (visitor) => {
    const { page } = visitor;
    await addPasskey(visitor);
    const { key, codes } = await setUpApp(visitor);
    await goto(page, '/account/security');
    await signOut(visitor);
    await enter(visitor);
    // What was used to switch it on is used up.
    const answer = await enterCode(page, codeOf(key));
    assert.equal(answer.status(), 401);
    assert.match(await alert(page), /This code is wrong/);
    await answerTo(page, () => press(page, 'Use a passkey'));
    await assertSignedIn(page);
    await signOut(visitor);
    await enter(visitor);
    await enterCode(page, codes[0].toLowerCase());
    await assertSignedIn(page);
    assert.match(await page.locator('#two-step').innerText(), /Recovery codes left: 9/);
  }));

test('a passkey without user verification is one factor', () =>
  visit(async (visitor) => {
    const { page, authenticator } = visitor;
    await addPasskey(visitor);
    const { codes } = await setUpApp(visitor);
    await goto(page, '/account/security');
    await signOut(visitor);
    // An authenticator that cannot verify its user is asked for no passkey without a name, but one may say that it did not.
    await authenticator('setResponseOverrideBits', { isBadUV: true });
    await answerTo(page, () => press(page, 'Sign in with a passkey'));
    assert.equal(await heading(page), 'One more step');
    // It is not the other factor too.
    assert.equal(await page.getByRole('button', { name: 'Use a passkey' }).count(), 0);
    await enterCode(page, codes[0]);
    await assertSignedIn(page);
  }));

test('without a passkey the page says so and goes on', () =>
  visit(async (visitor) => {
    const { page, authenticator } = visitor;
    await addPasskey(visitor);
    await signOut(visitor);
    await authenticator('clearCredentials');
    await press(page, 'Sign in with a passkey');
    await page.locator('[data-error]:visible').waitFor();
    assert.equal(path(page), '/sign-in');
    assert.deepEqual(await violations(page), []);
    await enter(visitor);
    await assertSignedIn(page);
  }));

test('an authenticator makes no second passkey', () =>
  visit(async (visitor) => {
    const { page } = visitor;
    await addPasskey(visitor);
    await goto(page, '/account/security/passkey');
    await press(page, 'Create passkey');
    await page.locator('[data-error]:visible').waitFor();
    assert.match(await alert(page), /This device has a passkey for your account already/);
    assert.equal(path(page), '/account/security/passkey');
  }));

test('two pages at once do not get into each other’s way', () =>
  visit(async (visitor) => {
    const { page, context } = visitor;
    await addPasskey(visitor);
    await signOut(visitor);
    const other = await context.newPage();
    const { credentials } = await visitor.authenticator('getCredentials');
    const simulated = await simulate(other, {});
    await simulated('addCredential', { credential: credentials[0] });
    await goto(other, '/sign-in');
    for (const each of [page, other]) {
      await answerTo(each, () => press(each, 'Sign in with a passkey'));
      await assertSignedIn(each);
    }
    // The second sign-in took the place of the first.
    await page.reload();
    await assertSignedIn(page);
    assert.equal(await page.locator('#sessions li').count(), 1);
  }));

test('a page that is old is loaded again before it asks', () =>
  visit(async (visitor) => {
    const { page } = visitor;
    await addPasskey(visitor);
    await signOut(visitor);
    await page.clock.install();
    for (const where of ['/sign-in', '/account/security/passkey']) {
      await goto(page, where);
      const options = () => page.locator('form[data-passkey]').getAttribute('data-options');
      const before = await options();
      const loaded = page.waitForEvent('load');
      await page.clock.fastForward(4 * MINUTE);
      await press(page, where === '/sign-in' ? 'Sign in with a passkey' : 'Create passkey');
      await loaded;
      assert.notEqual(await options(), before);
      if (where === '/sign-in') {
        await answerTo(page, () => press(page, 'Sign in with a passkey'));
        await assertSignedIn(page);
      }
    }
  }));

for (const typed of ['', 'ann']) {
  test(`a page that offers passkeys is loaded again unless something was typed: ${typed || 'nothing'}`, () =>
    visit(
      async (visitor) => {
        const { page } = visitor;
        await signOut(visitor);
        await page.clock.install();
        await goto(page, '/sign-in');
        await page.fill('[name=username]', typed);
        const options = () => page.locator('form[data-passkey]').getAttribute('data-options');
        const before = await options();
        const loaded = page.waitForEvent('load', { timeout: typed ? 2000 : 30_000 }).then(
          () => true,
          () => false,
        );
        await page.clock.fastForward(4 * MINUTE);
        assert.equal(await loaded, !typed);
        assert.equal((await options()) === before, Boolean(typed));
        assert.equal(await page.inputValue('[name=username]'), typed);
      },
      // Nobody answers, so what is offered stays open.
      { offers: true, authenticator: { automaticPresenceSimulation: false } },
    ));
}

test('an authenticator app is switched on and off, and recovery codes are copied', () =>
  visit(
    async (visitor) => {
      const { page } = visitor;
      const first = await setUpApp(visitor);
      assert.equal(first.codes.length, 10);
      await press(page, 'Copy');
      await page.getByText('The codes are copied.').waitFor();
      assert.equal(await page.evaluate(() => navigator.clipboard.readText()), first.codes.join('\n'));
      await page.evaluate(() => (window.print = () => (document.title = 'printed')));
      await press(page, 'Print');
      assert.equal(await page.title(), 'printed');

      await page.getByRole('link', { name: 'Back to security' }).click();
      await answerTo(page, () => press(page, 'Make new recovery codes'));
      const codes = await page.locator('.codes li').allInnerTexts();
      assert.equal(new Set([...codes, ...first.codes]).size, 20);
      await goto(page, '/account/security');
      await answerTo(page, () => press(page, 'Switch off the authenticator app'));
      assert.equal(await page.locator('[role=status]').innerText(), 'The authenticator app is switched off.');
      await signOut(visitor);
      await enter(visitor);
      await assertSignedIn(page);
    },
    { options: { permissions: ['clipboard-read', 'clipboard-write'] } },
  ));

test('everything but passkeys works without scripts, by keyboard alone', () =>
  visit(
    async ({ page, email }) => {
      assert.equal(await page.locator('form[data-passkey]:visible').count(), 0);
      await page.locator('#two-step button').focus();
      await answerTo(page, () => page.keyboard.press('Enter'));
      const key = await page.locator('.key').innerText();
      assert.ok(await page.locator('img').evaluate((picture) => picture.complete && picture.naturalWidth > 0));
      const type = async (code) => {
        await page.locator('[name=code]').focus();
        await page.keyboard.type(code);
        return answerTo(page, () => page.keyboard.press('Enter'));
      };
      const wrong = codeOf(key) === '000000' ? '000001' : '000000';
      assert.equal((await type(wrong)).status(), 400);
      assert.match(await alert(page), /This code is wrong/);
      assert.ok(await page.locator('[name=code]').evaluate((input) => input === document.activeElement));
      await type(codeOf(key));
      assert.equal(await page.locator('.codes li').count(), 10);
      assert.equal(await page.locator('[data-tools]:visible').count(), 0);
      const [code] = await page.locator('.codes li').allInnerTexts();

      await goto(page, '/account/security/passkey');
      assert.equal(await page.locator('form:visible').count(), 0);
      assert.match(await page.locator('main').innerText(), /This takes a browser that knows passkeys/);
      await goto(page, '/account/security');
      await answerTo(page, () => press(page, 'Sign out'));
      await enter({ page, email });
      assert.equal(await heading(page), 'One more step');
      await type(code);
      await assertSignedIn(page);
    },
    { options: { javaScriptEnabled: false } },
  ));

/** Goes from state to state, each of which is a page, or one that looks otherwise. */
async function eachState(visitor, look) {
  const { page, authenticator } = visitor;
  const click = (selector) => answerTo(page, () => page.locator(selector).click());
  await goto(page, '/account/security/passkey');
  await look('a new passkey');
  await click('form[data-passkey] button');
  await page.locator('summary').click();
  await look('security, with a passkey');
  await click('#two-step button');
  await look('setting up an app');
  const key = await page.locator('.key').innerText();
  await page.fill('[name=code]', codeOf(key) === '000000' ? '000001' : '000000');
  await click('button >> nth=0');
  await look('setting up an app, once more');
  await page.fill('[name=code]', codeOf(key));
  await click('button >> nth=0');
  await look('recovery codes');
  await goto(page, '/account/security');
  await page.locator('summary').click();
  await look('security, with everything on');
  await click('[action="/sign-out"] button');
  await look('signing in');
  await page.fill('[name=username]', visitor.email);
  await page.fill('[name=password]', PASSWORD);
  await click('form:has([name=password]) button >> nth=0');
  await look('the second factor');
  await authenticator('clearCredentials');
  await page.locator('form[data-passkey] button').click();
  await page.locator('[data-error]:visible').waitFor();
  await look('the second factor, with no passkey');
}

test('axe-core finds nothing on any of these pages, in light and in dark', () =>
  visit((visitor) =>
    eachState(visitor, async (name) => {
      const { page } = visitor;
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await violations(page), [], `${name}, ${colorScheme}`);
        if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/${name}, ${colorScheme}.png`, fullPage: true });
      }
    }),
  ));

test('each of these pages fits in German, which is longer', () =>
  visit(
    (visitor) =>
      eachState(visitor, async (name) => {
        const { page } = visitor;
        assert.equal(await page.locator('html').getAttribute('lang'), 'de', name);
        await assertFits(page);
        await page.setViewportSize({ width: 320, height: 512 });
        await page.evaluate(() => (document.documentElement.style.fontSize = ''));
        if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/${name}, 320.png`, fullPage: true });
      }),
    { options: { locale: 'de-AT' } },
  ));
