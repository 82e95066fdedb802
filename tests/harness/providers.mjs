// Servers that the Worker calls, such as a provider of mail: a test says how they answer, and reads what reached them.

/** All of them at once, for one server. */
export class Providers {
  #answers = [];
  #received = [];

  /**
   * How the next requests are answered, one after the other; those after them with 200 and an empty object. An answer has a
   * `status`, a `body` and `afterMs`, which says how long it takes, each of them if need be. It `hangs` if it never comes,
   * and `stalls` if only its head does.
   */
  answerWith(answers) {
    this.#answers = [...answers];
  }

  /** What has come since it was last asked. */
  takeReceived() {
    return this.#received.splice(0);
  }

  async fetch(request) {
    const { method, url } = request;
    const headers = Object.fromEntries(request.headers);
    this.#received.push({ method, url, headers, body: await request.text() });
    const { status = 200, body = '{}', afterMs = 0, hangs, stalls } = this.#answers.shift() ?? {};
    if (hangs) await new Promise(() => {});
    if (afterMs) await new Promise((resolve) => setTimeout(resolve, afterMs));
    const stalled = () => new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode('{')) });
    // A redirect may not be without its place.
    const init = { status, headers: status >= 300 && status < 400 ? { Location: 'https://elsewhere.example/' } : {} };
    return new Response(status === 204 ? null : stalls ? stalled() : body, init);
  }
}
