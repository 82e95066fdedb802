// What the tests' servers run: the built Worker, with something around it or by itself, and other Workers.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

// The test runner copies this file elsewhere, but runs it in the project's folder.
const root = process.cwd();

export const moduleText = (name, contents) => ({ type: 'ESModule', path: path.join(root, name), contents });
export const moduleFile = (type, name) => ({ type, path: path.join(root, name), contents: readFileSync(path.join(root, name)) });

/** A Worker of the Rust code that scripts/build.mjs has put into `folder`. */
export const built = (folder) => ({
  main: `../../${folder}/index.js`,
  modules: [moduleFile('ESModule', `${folder}/index.js`), moduleFile('CompiledWasm', `${folder}/index_bg.wasm`)],
});

/** That Worker, or one of another folder, with one of the wrappers of stand_ins.js round it. */
export function builtWithin(wrapper, folder = 'build') {
  const { main, modules } = built(folder);
  const text = `import { ${wrapper} } from './stand_ins.js';
    import worker from ${JSON.stringify(main)};
    export default ${wrapper}(worker);`;
  const standIns = moduleFile('ESModule', 'tests/harness/stand_ins.js');
  return { main: './script.js', modules: [moduleText('tests/harness/script.js', text), standIns, ...modules] };
}

/** A Worker that is one JavaScript module of this text. */
export const script = (text) => ({ main: './script.js', modules: [moduleText('tests/harness/script.js', text)] });

const examples = new Map();

/** The tests' own example of a Worker, compiled and bundled as the product is. It is built once. A wrapper may go round it. */
export async function example(name, wrapper) {
  if (!examples.has(name)) examples.set(name, buildExample(name));
  const folder = await examples.get(name);
  return wrapper ? builtWithin(wrapper, folder) : built(folder);
}

async function buildExample(name) {
  const { build } = await import(pathToFileURL(path.join(root, 'scripts/build.mjs')));
  const folder = `build/${name}`;
  await build(['--example', name], path.join(root, folder));
  return folder;
}
