// Writes the database to backups/: `make backup`, the local one with `LOCAL=1`.
import { chmodSync, closeSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { isOn, reason, run, Stop, wrangler } from './operator.mjs';

const FOLDER = 'backups';

run(async () => {
  const local = isOn('LOCAL');
  const date = new Date().toISOString().replace(/\.\d+/, '').replaceAll(':', '-');
  const file = `${FOLDER}/edge-auth-${local ? 'local-' : ''}${date}.sql`;
  const partial = `${file}.partial`;
  console.log(local ? 'Exporting the local database.' : 'Exporting the production database, which answers nothing else meanwhile.');

  mkdirSync(FOLDER, { recursive: true, mode: 0o700 });
  // wrangler writes into the file that is there, which only its owner may read from the start.
  closeSync(openSync(partial, 'wx', 0o600));
  try {
    // What wrangler prints is not shown: it has an address where anybody can fetch the export for an hour.
    const result = await wrangler(
      ['d1', 'export', 'DB', local ? '--local' : '--remote', '--skip-confirmation', '--output', partial],
    );
    if (!result.ok) throw new Stop(`Nothing was exported: ${reason(result)}`);
    const { size } = statSync(partial);
    if (size === 0) throw new Stop('Nothing was exported: wrangler wrote an empty file.');
    chmodSync(partial, 0o600);
    renameSync(partial, file);
    console.log(`Wrote ${file}, ${size} bytes. It holds e-mail addresses and password hashes: keep it as safe as the database.`);
  } finally {
    rmSync(partial, { force: true });
  }
});
