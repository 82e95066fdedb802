// Builds the Worker into build/: cargo, then wasm-bindgen, wasm-opt and esbuild unless their inputs are unchanged.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import * as esbuild from 'esbuild';

// -O4 fails on the exception handling that wasm-bindgen's abort handler brings in.
const OPTIMIZATION = '-O3';
// What is called from one place is left where it is: rustc has inlined what is worth it, and a function that is not called
// is not compiled by the host. It saves a twenty-seventh of the compressed size, and no derivation is slower.
const INLINING = ['--one-caller-inline-max-function-size=0'];
// What rustc and wasm-bindgen emit and workerd runs.
const FEATURES = [
  'bulk-memory',
  'exception-handling',
  'multivalue',
  'mutable-globals',
  'nontrapping-float-to-int',
  'reference-types',
  'sign-ext',
  'simd',
];

const TARGET = 'wasm32-unknown-unknown';

const root = dirname(import.meta.dirname);
const entry = join(root, 'scripts/entry.js');
const wasmBindgen = join(root, '.tools/bin/wasm-bindgen');
const wasmOpt = join(root, 'node_modules/.bin/wasm-opt');

const run = (command, args) =>
  execFileSync(command, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: Infinity });

/** Compiles the crate's cdylib or, by `['--example', name]`, one of its examples, and bundles it into `outdir`. */
export async function build(cargoOptions, outdir) {
  const wasm = compile(cargoOptions);
  // npm's tools are those of the lock file.
  const stamp = createHash('sha256').update(run(wasmBindgen, ['--version']));
  for (const input of [wasm, entry, import.meta.filename, join(root, 'package-lock.json')]) {
    stamp.update(readFileSync(input));
  }
  const stampFile = join(outdir, 'stamp');
  const digest = stamp.digest('hex');
  const made = [stampFile, join(outdir, 'index.js'), join(outdir, 'index_bg.wasm')].every(existsSync);
  if (made && readFileSync(stampFile, 'utf8') === digest) return;
  rmSync(stampFile, { force: true });
  await bundle(wasm, outdir);
  writeFileSync(stampFile, digest);
}

function compile(cargoOptions) {
  const messages = run('cargo', [
    'build', '--locked', '--target', TARGET, '--message-format', 'json-render-diagnostics', ...cargoOptions,
  ]);
  const files = messages.trim().split('\n').flatMap((line) => JSON.parse(line).filenames ?? []);
  return files.findLast((file) => file.endsWith('.wasm'));
}

async function bundle(wasm, outdir) {
  const glue = join(outdir, 'glue');
  rmSync(glue, { recursive: true, force: true });
  mkdirSync(glue, { recursive: true });

  run(wasmBindgen, [
    wasm, '--target', 'module', '--no-typescript', '--force-enable-abort-handler', '--out-name', 'index', '--out-dir', glue,
  ]);
  run(wasmOpt, [
    join(glue, 'index_bg.wasm'), OPTIMIZATION, ...INLINING, ...FEATURES.map((f) => `--enable-${f}`), '-o', join(outdir, 'index_bg.wasm'),
  ]);

  // workerd and wrangler take a module from a plain import, whose form wasm-bindgen's is not.
  const glueModule = join(glue, 'index.js');
  writeFileSync(glueModule, readFileSync(glueModule, 'utf8').replace('import source ', 'import '));
  await esbuild.build({
    entryPoints: [entry],
    outfile: join(outdir, 'index.js'),
    alias: { 'edge-auth': glueModule },
    external: ['./index_bg.wasm', 'cloudflare:workers'],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'esnext',
    logLevel: 'warning',
  });
}

if (import.meta.filename === realpathSync(process.argv[1])) {
  try {
    // Paths of the machine that builds are nobody's business, and without them two machines build the same file.
    const cargoHome = process.env.CARGO_HOME ?? join(homedir(), '.cargo');
    const flags = [`--remap-path-prefix=${cargoHome}=cargo`, `--remap-path-prefix=${root}=.`];
    const withoutPaths = `target.${TARGET}.rustflags=${JSON.stringify(flags)}`;
    await build(['--lib', '--release', '--config', withoutPaths], join(root, 'build'));
  } catch (error) {
    // A tool that failed has said why.
    if (!error.status) throw error;
    process.exitCode = error.status;
  }
}
