// What the operator's scripts read of wrangler.toml and .dev.vars, and make of settings.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

export const CONFIG = 'wrangler.toml';
export const LOCAL = '.dev.vars';

/** The tables of wrangler.toml, each with its heading; the first is what stands before all headings. */
export const tablesOf = (config) => config.split(/^(?=\s*\[)/m);

/** The value of a text setting of wrangler.toml in the first table of this heading; '' is what stands before all headings. */
export function setting(config, heading, name) {
  const tables = tablesOf(config);
  const table = heading ? tables.find((text) => text.trimStart().startsWith(heading)) : tables[0];
  return table?.match(new RegExp(`^\\s*${name}\\s*=\\s*["']([^"'\\n]*)["']`, 'm'))?.[1];
}

/** The lines of .dev.vars by their names; none where there is no such file. */
export function localSettings() {
  try {
    return parseEnv(readFileSync(LOCAL, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return {};
    throw error;
  }
}

/** A setting as the Worker has it in production, or in local work; undefined where it is not set. */
export function workerSetting(name, { remote }) {
  const local = remote ? undefined : localSettings()[name];
  return local ?? setting(readFileSync(CONFIG, 'utf8'), '[vars]', name);
}

/** A value of DATA_KEY. */
export const newDataKey = () => randomBytes(32).toString('base64url');
