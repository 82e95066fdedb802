// What HTML alone cannot do on the pages of this service: ask the browser for a passkey (Web Authentication, Level 3), and
// copy and print recovery codes. It stands in the pages that need it, and what needs it is hidden until it runs. It fetches
// nothing and holds no token: what a passkey is asked for stands in the form, and the browser's answer goes with the form.
(() => {
  'use strict';

  // A challenge is good for five minutes. A page that is older than this is loaded again for a new one.
  const OLD = 4 * 60 * 1000;
  const loaded = Date.now();

  const show = (element) => {
    if (element) element.hidden = false;
  };

  function passkey(form) {
    const { passkey: ceremony, options, again } = form.dataset;
    const parse = { create: 'parseCreationOptionsFromJSON', get: 'parseRequestOptionsFromJSON' }[ceremony];
    if (!window.PublicKeyCredential?.[parse] || !PublicKeyCredential.prototype.toJSON) return;
    const publicKey = PublicKeyCredential[parse](JSON.parse(options));
    let asking;

    const stop = () => {
      asking?.abort();
      asking = undefined;
    };

    /** Asks for a passkey and sends it; says why there is none. */
    async function ask(mediation) {
      stop();
      const { signal } = (asking = new AbortController());
      try {
        const credential = await navigator.credentials[ceremony]({ publicKey, mediation, signal });
        form.elements.credential.value = JSON.stringify(credential.toJSON());
        form.submit();
      } catch (error) {
        // Whatever was stopped gave way to something else.
        if (!signal.aborted) return error;
      }
    }

    // Without a path there is nothing to load again: the rest of such a page is good for no longer than its challenge.
    const isOld = () => again && Date.now() - loaded >= OLD;
    const loadAgain = () => location.replace(again);

    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      const messages = form.querySelectorAll('[data-error]');
      for (const message of messages) message.hidden = true;
      // The button has to be pressed once more, since browsers ask for a passkey only after a press.
      if (isOld()) return loadAgain();
      const error = await ask();
      if (!error) return;
      // There is one for other errors, and on pages that make passkeys one for an authenticator that has one already.
      const named = [...messages].find((message) => message.dataset.error === error.name);
      show(named ?? messages[0]);
    });

    // Without it there is only this button, or text that says so.
    document.querySelector('[data-without-passkeys]')?.remove();
    show(form);

    // What stands there after going back was answered already.
    window.addEventListener('pageshow', ({ persisted }) => {
      if (persisted && again) loadAgain();
    });

    if ('offer' in form.dataset) offer(ask, stop, () => isOld() && loadAgain());
  }

  /** Has the browser offer passkeys where a name is typed. */
  async function offer(ask, stop, renew) {
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
    ask('conditional');
    const isUntouched = () =>
      !document.querySelector('[aria-invalid]') &&
      [...document.querySelectorAll('input:not([type=hidden])')].every((input) => input.value === input.defaultValue);
    const replace = () => {
      if (document.hidden) return;
      document.removeEventListener('visibilitychange', replace);
      // What was typed is not taken from anybody. The button is still there.
      if (isUntouched()) renew();
      else stop();
    };
    // A page that nobody looks at waits until somebody does.
    setTimeout(() => {
      document.addEventListener('visibilitychange', replace);
      replace();
    }, OLD);
  }

  function recoveryCodes(tools) {
    const [copy, print] = tools.querySelectorAll('button');
    print.addEventListener('click', () => window.print());
    if (navigator.clipboard) {
      copy.addEventListener('click', async () => {
        const codes = [...document.querySelectorAll('[data-codes] li')].map((code) => code.textContent.trim());
        await navigator.clipboard.writeText(codes.join('\n'));
        tools.querySelector('[role=status]').textContent = copy.dataset.done;
      });
    } else {
      copy.remove();
    }
    show(tools);
  }

  const form = document.querySelector('form[data-passkey]');
  if (form) passkey(form);
  const tools = document.querySelector('[data-tools]');
  if (tools) recoveryCodes(tools);
})();
