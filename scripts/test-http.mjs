// Runs the HTTP tests in two processes side by side: one after another they mostly wait. With an argument, only those
// with that in their names, in one process.
import { execFileSync, spawn } from 'node:child_process';
import readline from 'node:readline';

const RUNNER = '.tools/bin/wasm-bindgen-test-runner';

/** What the first process runs, about half by time. The second one runs the rest, so that no test is left out. */
const FIRST = ['sign_in::enumeration::', 'sign_in::old_hashes::', 'sign_in::throttle::', 'pages::', 'keys::'];

/** Compiles the tests; says where they are. */
function compile() {
  const options = ['--locked', '--target', 'wasm32-unknown-unknown', '--test', 'http', '--no-run'];
  const args = ['test', ...options, '--message-format', 'json-render-diagnostics'];
  const stdout = execFileSync('cargo', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 28 });
  const messages = stdout.trim().split('\n').map((line) => JSON.parse(line));
  return messages.find(({ target, executable }) => target?.name === 'http' && executable).executable;
}

function list(file) {
  const lines = execFileSync(RUNNER, [file, '--list'], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.endsWith(': test')).map((line) => line.slice(0, -': test'.length));
}

/** Runs all tests but some, with a mark before each line; says how it ended and which tests it ran. */
async function run(file, skipped, mark) {
  const args = [file, '--exact', ...skipped.flatMap((name) => ['--skip', name])];
  const runner = spawn(RUNNER, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ran = [];
  const print = (line) => {
    const [, name] = /^test (\S+) \.\.\. /.exec(line) ?? [];
    if (name) ran.push(name);
    // The closing line stays as cargo's own tests print it.
    console.log(line.startsWith('test result: ') ? line : `${mark}${line}`);
  };
  for (const stream of [runner.stdout, runner.stderr]) readline.createInterface(stream).on('line', print);
  const code = await new Promise((resolve, reject) => runner.on('error', reject).on('close', resolve));
  return { code, ran };
}

const [, , part = ''] = process.argv;
const file = compile();
const all = list(file);
const chosen = all.filter((name) => name.includes(part));
if (chosen.length === 0) {
  console.error(`No HTTP test has ${part} in its name.`);
  process.exit(1);
}
const isFirst = (name) => FIRST.some((beginning) => name.startsWith(beginning));
const shares = part ? [chosen] : [chosen.filter(isFirst), chosen.filter((name) => !isFirst(name))];
const runs = await Promise.all(
  shares.map((share, i) => run(file, all.filter((name) => !share.includes(name)), part ? '' : `${i + 1} | `)),
);
const ran = runs.flatMap((each) => each.ran);
for (const name of chosen) {
  const times = ran.filter((each) => each === name).length;
  if (times !== 1) {
    console.error(`${name} ran ${times} times.`);
    process.exitCode = 1;
  }
}
for (const { code } of runs) process.exitCode ||= code ?? 1;
