// What comments and documents refer to is there.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { root } from './support.mjs';

// Neither ours nor to be kept.
const OTHERS = ['.git', '.tools', '.wrangler', 'backups', 'build', 'node_modules', 'target'];

const files = readdirSync(root, { withFileTypes: true }).filter(({ name }) => !OTHERS.includes(name)).flatMap((entry) =>
  entry.isDirectory() ? readdirSync(join(root, entry.name), { recursive: true }).map((file) => join(entry.name, file)) : [entry.name]);
const read = (file) => readFileSync(join(root, file), 'utf8');
const documents = files.filter((file) => file.endsWith('.md'));

/** The headings of a document, as they are read. */
const headings = (file) =>
  read(file).replace(/^```[^]*?^```/gm, '').match(/^#+ .*$/gm)?.map((line) => line.replace(/^#+ /, '').replaceAll('`', '')) ?? [];

/** What a link to a heading ends in, as GitHub makes it. */
const anchor = (heading) => heading.toLowerCase().replace(/[^\p{L}\p{N}\p{M}\p{Pc} -]/gu, '').replaceAll(' ', '-');

test('documents that are cited exist, with the headings that are named', () => {
  const sources = files.filter((file) => /\.(rs|m?js|sh|sql|toml|py)$|(^|\/)Makefile$/.test(file) && !file.startsWith('tests/scripts/'));
  let named = 0;
  for (const file of sources) {
    // A citation may go on in the next line of a comment.
    const text = read(file).replace(/\n[ \t]*(\/\/[/!]?|#|--|\*)?[ \t]*/g, ' ');
    for (const [citation, document, heading] of text.matchAll(/\b(docs\/[a-z-]+\.md)(?:, "([^"]+)")?/g)) {
      assert.ok(documents.includes(document), `${file} cites ${document}`);
      if (!heading) continue;
      named++;
      assert.ok(headings(document).includes(heading.replaceAll('`', '')), `${file} cites ${citation}, and there is no such heading`);
    }
  }
  assert.ok(named > 20, `only ${named} citations of a heading were found`);
});

test('links of documents lead somewhere', () => {
  let links = 0;
  for (const file of documents) {
    for (const [, target] of read(file).replace(/^```[^]*?^```/gm, '').matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      links++;
      const [path, fragment] = target.split('#');
      const other = path ? normalize(join(dirname(file), path)) : file;
      assert.ok(existsSync(join(root, other)), `${file} links to ${target}`);
      if (fragment) assert.ok(headings(other).map(anchor).includes(fragment), `${file} links to ${target}, and there is no such heading`);
    }
  }
  assert.ok(links > 50, `only ${links} links were found`);
});
