// The pages of this service in Chromium: by keyboard alone, enlarged, on a narrow screen, without scripts, in the dark,
// examined by axe-core. And other sites' pages, which post forms to them, read them and put them into frames.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { start } from '../harness/server.mjs';
import { built } from '../harness/workers.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/**
 * The kinds of links that mails are sent with. `right` is what is filled in, field by field, to the end of what the link is
 * for, and `wrong` what is refused beside a field; a page without a form has neither.
 */
const LINKS = {};

let worker, elsewhere, browser;

before(async () => {
  // Whatever may read the API, pages are read by nobody.
  worker = await start(built('build'), { ALLOWED_ORIGINS: '*' });
  elsewhere = await serve();
  // Headless, without a sandbox (root has none), with a new profile, and without background requests.
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--disable-gpu'] });
});

after(async () => {
  await browser?.close();
  await worker?.stop();
  elsewhere?.close();
});

/**
 * Serves pages of other sites: `/form` posts to the URL in its query by a button, `/frame` shows it in a frame. Its names
 * are two sites: 127.0.0.1 as the Worker's own, with another port, and localhost.
 */
async function serve() {
  const server = http.createServer(({ url }, response) => {
    const { pathname, searchParams } = new URL(url, 'http://localhost');
    const target = searchParams.get('url');
    const content = {
      '/form': `<form method="post" action="${target}"><input name="kind" value="reset"><input name="token" value="x"><button>Go</button></form>`,
      '/frame': `<iframe src="${target}"></iframe>`,
    };
    response.setHeader('Content-Type', 'text/html');
    response.end(`<!doctype html><title>A page</title>${content[pathname] ?? ''}`);
  });
  await new Promise((resolve) => server.listen(0, resolve));
  const { port } = server.address();
  const page = (host, path, target) => `http://${host}:${port}${path}?url=${encodeURIComponent(target)}`;
  return { page, close: () => server.close() };
}

const confirm = () => new URL('/account/confirm', worker.url).href;

/** A link as in a mail of that kind, which was never sent. */
const deadLink = (kind) => `${confirm()}?kind=${kind}&id=1&token=never-sent`;

/** Has a mail of that kind sent, and opens its link. */
async function openLink(page, kind) {
  await page.goto(deadLink(kind));
}

/** Sends a form by what `send` does; says the answer, once its page is there. */
async function answerTo(page, send) {
  const [answer] = await Promise.all([page.waitForResponse(confirm()), page.waitForEvent('load'), send()]);
  return answer;
}

/** Opens another site's page and presses its button. */
async function postFrom(page, host) {
  await page.goto(elsewhere.page(host, '/form', confirm()));
  return answerTo(page, () => page.click('button'));
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


/** How to get to each page that there is. */
const PAGES = {
  'a dead link': (page) => page.goto(deadLink('reset')),
  'a forged form': (page) => postFrom(page, 'localhost'),
  ...Object.fromEntries(
    Object.entries(LINKS).flatMap(([kind, { wrong }]) => [
      [kind, (page) => openLink(page, kind)],
      ...(wrong ? [[`${kind}, filled in wrongly`, (page) => fillInWrongly(page, kind)]] : []),
    ]),
  ),
};

/** Opens a page in a browser of its own and does something with it. Whatever its policy blocks is a failure. */
async function visit(open, options, look) {
  const context = await browser.newContext(options);
  try {
    const page = await context.newPage();
    const blocked = [];
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) blocked.push(message.text());
    });
    await open(page);
    await look(page);
    assert.deepEqual(blocked, []);
  } finally {
    await context.close();
  }
}

/** What axe-core finds. It is run from outside the page, whose policy allows no script. */
async function violations(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run());
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

/** Nothing is wider than the screen, and nothing is cut off. */
async function assertFits(page, what) {
  const tooWide = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const isTooWide = (element) => element.scrollWidth > element.clientWidth + 1 || element.getBoundingClientRect().right > width + 1;
    const elements = [document.documentElement, ...document.querySelectorAll('main, h1, p, dl, form, label, input, button')];
    return elements.filter((element) => element.getClientRects().length && isTooWide(element)).map(({ outerHTML }) => outerHTML);
  });
  assert.deepEqual(tooWide, [], what);
}

for (const [name, open] of Object.entries(PAGES)) {
  for (const colorScheme of ['light', 'dark']) {
    test(`${name}: axe-core finds nothing, ${colorScheme}`, () =>
      visit(open, { colorScheme }, async (page) => assert.deepEqual(await violations(page), [])));
  }

  test(`${name}: it has its style, of the colours that were asked for`, async () => {
    const colours = [];
    for (const colorScheme of ['light', 'dark']) {
      await visit(open, { colorScheme }, async (page) => {
        colours.push(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
      });
    }
    assert.deepEqual(colours, ['rgb(243, 244, 246)', 'rgb(20, 23, 26)']);
  });

  for (const locale of ['en-GB', 'de-AT']) {
    test(`${name}: it fits on a narrow screen and enlarged, ${locale}`, async () => {
      for (const [what, width, fontSize] of [
        ['320 pixels', 320, '100%'],
        // 1280 pixels at 200 %.
        ['zoomed to 200 %', 640, '100%'],
        ['text of 200 %', 640, '200%'],
        ['text of 200 % on 320 pixels', 320, '200%'],
      ]) {
        await visit(open, { locale, viewport: { width, height: 512 } }, async (page) => {
          await page.evaluate((size) => (document.documentElement.style.fontSize = size), fontSize);
          assert.equal(await page.evaluate(() => document.documentElement.lang), locale.slice(0, 2));
          await assertFits(page, what);
        });
      }
    });
  }

  test(`${name}: it can be read without scripts`, () =>
    visit(open, { javaScriptEnabled: false }, async (page) => {
      assert.equal(await page.locator('h1').count(), 1);
      assert.ok((await page.locator('main').innerText()).length > 40);
      assert.equal(await page.locator('script').count(), 0);
    }));
}

for (const [kind, { right, wrong }] of Object.entries(LINKS)) {
  if (right) {
    test(`${kind}: it is done by keyboard alone, without scripts`, () =>
      visit((page) => openLink(page, kind), { javaScriptEnabled: false }, async (page) => {
        assert.equal((await fillIn(page, right)).status(), 200);
        assert.equal(await page.locator('h1').innerText(), 'Done');
      }));
  }

  if (wrong) {
    test(`${kind}: what is wrong is said beside the field, which has the focus, and can be mended`, () =>
      visit((page) => fillInWrongly(page, kind), { javaScriptEnabled: false }, async (page) => {
        assert.match(await page.title(), /^Error: /);
        const field = page.locator('[aria-invalid]');
        assert.ok(await field.evaluate((input) => input === document.activeElement));
        const [described] = (await field.getAttribute('aria-describedby')).split(' ');
        assert.match(await page.locator(`#${described}[role=alert]`).innerText(), /^Error: /);
        assert.equal(await field.inputValue(), '');
        await field.fill(right[await field.getAttribute('name')]);
        const answer = await answerTo(page, () => page.keyboard.press('Enter'));
        assert.equal(answer.status(), 200);
      }));
  }
}

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
  test(`a form of ${site} is refused`, async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const answer = await postFrom(page, host);
    assert.equal(answer.status(), 403);
    assert.equal(await page.locator('h1').innerText(), 'This form was not accepted');
    await context.close();
  });

  test(`${site} neither reads a page nor frames it`, async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const link = deadLink('reset');
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
