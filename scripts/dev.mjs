// Serves on this machine, as `make dev` does, and prints the link and the code of each mail that would be sent. The
// arguments are those of `wrangler dev`, which keeps the mails in a folder.
import { spawn } from 'node:child_process';
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join, relative } from 'node:path';
import { LOCAL, localSettings, newDataKey, workerSetting } from './settings.mjs';

// A folder a run, in it the plain texts of mails.
const MAILS = '.wrangler/tmp/email';
const EVERY_MS = 200;

// As the Makefile writes it. A checkout may have one from before there was mail.
const MAIL_SETTINGS = ['PUBLIC_URL=http://localhost:8787', 'MAIL=cloudflare', 'MAIL_FROM=no-reply@example.com'];

/** The files of mails; none before the first one. */
function mails() {
  const list = (folder) => {
    try {
      return readdirSync(folder).map((name) => join(folder, name));
    } catch (error) {
      // Folders come with the first mail, and go when wrangler ends.
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
      throw error;
    }
  };
  return list(MAILS).flatMap((run) => list(join(run, 'email-text')));
}

/** Prints what a mail is good for; false while it is not written yet. */
function show(file) {
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return true;
    throw error;
  }
  if (!text) return false;
  const lines = text.split(/\r?\n/);
  const link = lines.find((line) => /^https?:\/\/\S+[?&]token=/.test(line));
  const code = lines.find((line) => /^\d{6}$/.test(line));
  console.log(`Mail: ${relative('.', file)}`);
  if (link) console.log(`  link: ${link}`);
  if (code) console.log(`  code: ${code}`);
  return true;
}

if (!workerSetting('MAIL', { remote: false })) {
  console.log(`No mail is sent, since ${LOCAL} has no MAIL. To have mails kept on this machine, add these lines to it:`);
  for (const line of MAIL_SETTINGS) console.log(`  ${line}`);
}

if (localSettings().DATA_KEY === undefined) {
  // Its last line need not have ended.
  appendFileSync(LOCAL, `\nDATA_KEY=${newDataKey()}\n`, { mode: 0o600 });
  console.log(`Wrote a random DATA_KEY into ${LOCAL}, which encrypts the secrets of authenticator apps.`);
}

// wrangler's own keys would be drawn over what is printed here.
const args = ['dev', '--show-interactive-dev-session=false', ...process.argv.slice(2)];
const child = spawn('wrangler', args, { stdio: 'inherit' });
const shown = new Set(mails());
const watch = setInterval(() => {
  for (const file of mails()) if (!shown.has(file) && show(file)) shown.add(file);
}, EVERY_MS);

// A terminal sends its signals to wrangler as well; this ends once that has.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => {
  clearInterval(watch);
  console.error(error.code === 'ENOENT' ? 'wrangler is not on the PATH; `make dev` puts it there.' : error.message);
  process.exitCode = 1;
});
child.on('exit', (code, signal) => {
  clearInterval(watch);
  process.exitCode = code ?? 128 + constants.signals[signal];
});
