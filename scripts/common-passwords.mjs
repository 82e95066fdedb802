// Makes core/src/password/common_passwords.txt from the list that Django ships, read from standard input:
//   pip download --no-deps django==5.2.19
//   unzip -p django-5.2.19-py3-none-any.whl django/contrib/auth/common-passwords.txt.gz | node scripts/common-passwords.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

// What 12 KB of the compressed bundle hold.
const COUNT = 3200;

const byFrequency = gunzipSync(readFileSync(0)).toString().split('\n');
const folded = byFrequency.map((password) => password.normalize('NFKC').toLowerCase());
const usable = folded.filter((password) => /^[\x20-\x7e]{8,64}$/.test(password));
const entries = [...new Set(usable)].slice(0, COUNT).sort();
if (entries.length < COUNT) throw new Error(`only ${entries.length} passwords`);

// The entries are lower-case, which leaves the capitals to say how many bytes the next one shares.
const MOST_SHARED = 25;

function shared(entry, next = '') {
  let count = 0;
  while (count < Math.min(MOST_SHARED, next.length) && entry[count] === next[count]) count++;
  return count;
}

let text = '';
let kept = 0;
entries.forEach((entry, i) => {
  text += entry.slice(kept);
  kept = shared(entry, entries[i + 1]);
  text += kept === 0 ? '\n' : String.fromCharCode('A'.charCodeAt() + kept);
});
writeFileSync(join(import.meta.dirname, '../core/src/password/common_passwords.txt'), text);
