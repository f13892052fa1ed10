import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const FOLDER = fileURLToPath(new URL('../../deploy/', import.meta.url));

/** A service of a Compose file. */
export interface ComposeService {
  readonly image: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly secrets?: readonly string[];
  readonly restart?: string;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly [key: string]: unknown;
}

/** A Compose file of deploy, with merged keys and with variables replaced. */
export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly secrets?: Readonly<Record<string, { readonly file: string }>>;
  readonly volumes: Readonly<Record<string, null>>;
}

/**
 * Reads a Compose file of deploy as Compose does.
 * @param variables  replace `${NAME}`, `${NAME:-default}` and `${NAME:?message}`
 * @throws Error when a variable is missing that the file requires
 */
export function readCompose(name: string, variables: Readonly<Record<string, string>> = {}): ComposeFile {
  const text = readFileSync(`${FOLDER}${name}`, 'utf8').replaceAll(/^\s*#.*$/gm, '');
  const replaced = text.replaceAll(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_whole, variable, operator, rest) => {
    const value = variables[variable];
    if (value) return value;
    if (operator === '?') throw new Error(`${variable}: ${rest}`);
    return rest ?? '';
  });
  return parse(replaced, { merge: true });
}

/** Returns a service of a Compose file. @throws Error when there is none of that name */
export function serviceOf({ services }: ComposeFile, name: string): ComposeService {
  const service = services[name];
  if (service === undefined) throw new Error(`there is no service ${name}`);
  return service;
}
