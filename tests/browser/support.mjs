// What tests of pages in a browser share.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core finds. It is run from outside the page, whose policy allows no such script. */
export async function violations(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run());
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

/** Nothing is wider than any screen, nor cut off. */
export async function assertFits(page) {
  for (const [what, width, fontSize] of [
    ['320 pixels', 320, '100%'],
    // 1280 pixels at 200 %.
    ['zoomed to 200 %', 640, '100%'],
    ['text of 200 %', 640, '200%'],
    ['text of 200 % on 320 pixels', 320, '200%'],
  ]) {
    await page.setViewportSize({ width, height: 512 });
    await page.evaluate((size) => (document.documentElement.style.fontSize = size), fontSize);
    const tooWide = await page.evaluate(() => {
      const width = document.documentElement.clientWidth;
      // What is typed may be longer than its field.
      const isCut = (element) => element.localName !== 'input' && element.scrollWidth > element.clientWidth + 1;
      const isTooWide = (element) => isCut(element) || element.getBoundingClientRect().right > width + 1;
      const elements = [document.documentElement, ...document.querySelectorAll('header, main, h1, h2, p, dl, dd, li, form, label, input, button, summary, img')];
      return elements.filter((element) => element.getClientRects().length && isTooWide(element)).map(({ outerHTML }) => outerHTML);
    });
    assert.deepEqual(tooWide, [], what);
  }
}

/** Sends a form by what `send` does; says the answer, once its page is there. */
export async function answerTo(page, send) {
  const isAnswer = (response) => response.request().method() === 'POST';
  const [answer] = await Promise.all([page.waitForResponse(isAnswer), page.waitForEvent('load'), send()]);
  return answer;
}

/** Serves by `answer` until it is closed; says its port. */
export async function listen(answer) {
  const server = http.createServer(answer);
  await new Promise((resolve) => server.listen(0, resolve));
  return { port: server.address().port, close: () => server.close() };
}

/** Has the Worker of `url` answer a request that came elsewhere, with these headers. */
export function pass(request, response, url, headers = request.headers) {
  const { hostname: host, port } = url;
  const passed = http.request({ host, port, method: request.method, path: request.url, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.rawHeaders);
    answer.pipe(response);
  });
  request.pipe(passed);
}
