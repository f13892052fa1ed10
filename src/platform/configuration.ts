import { readFileSync, type Stats, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import type { Document, Node } from 'yaml';
import type { z } from 'zod';
import { closestName } from './closest-name.ts';
import { messageOf, UserError } from './errors/index.ts';
import { keysOfSchema } from './keys-of-schema.ts';
import { isExposed } from './private-file.ts';

const require = createRequire(import.meta.url);

/** Loads the YAML parser with the first file: the control plane reads none, and starts faster without it. */
const yaml = () => require('yaml') as typeof import('yaml');

/** The value of an environment variable, or the content of a file. */
const REFERENCE = /\$\{(?:file:([^}]+)|(\w+))\}/g;
const WITH_PASSWORD = /^mongodb(\+srv)?:\/\/[^/@]*:[^/@]+@/;
const SECRET_KEYS: readonly unknown[] = ['privateKey', 'clientSecret', 'password'];
const WRITTEN_PASSWORD = `a password is written here: name a variable that has it, as \${NAME}, or a file, as \${file:PATH}`;

/**
 * Reads a YAML configuration file. `${NAME}` in a string stands for an environment variable, and `${file:PATH}` for the content
 * of a file without its last line break. So the configuration file needs no secrets. Paths are relative to the configuration file.
 * @param file        path of the file; error messages name it
 * @param page        page of the manual that lists the keys
 * @param schema      strict objects, so that a misspelt key is an error and not a silent default
 * @param isShared    the file is one to share, for instance in a repository: it must have no secret itself, whatever its mode
 * @throws UserError  CONFIGURATION_UNREADABLE, CONFIGURATION_INVALID, or CONFIGURATION_EXPOSED for a file that other users may
 *   read and that has a secret itself, with the file and the line; never with a value, which may be a secret
 */
export function readConfiguration<Schema extends z.ZodType>(
  file: string,
  page: string,
  schema: Schema,
  environment: NodeJS.ProcessEnv = process.env,
  isShared = false,
): z.output<Schema> {
  let text: string;
  let stats: Stats;
  try {
    text = readFileSync(file, 'utf8');
    stats = statSync(file);
  } catch (error) {
    throw new UserError('CONFIGURATION_UNREADABLE', [file, messageOf(error)], { cause: error });
  }
  const { isPair, isScalar, LineCounter, parseDocument, visit } = yaml();
  const lines = new LineCounter();
  // Pretty errors quote the file's text, which may contain passwords.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const invalid = (offset: number, problem: string) =>
    new UserError('CONFIGURATION_INVALID', [file, String(lines.linePos(offset).line), problem, page]);

  const [syntaxError] = document.errors;
  if (syntaxError) throw invalid(syntaxError.pos[0], syntaxError.message);
  const exposed = isExposed(stats, process.geteuid?.() ?? 0);
  visit(document, {
    Scalar: (key, node, path) => {
      if (typeof node.value !== 'string') return;
      const pair = path.at(-1);
      const name = key === 'value' && isPair(pair) && isScalar(pair.key) ? pair.key.value : undefined;
      const written = node.value.replace(REFERENCE, '');
      const hasSecret = WITH_PASSWORD.test(written) || (SECRET_KEYS.includes(name) && written !== '');
      if (isShared && hasSecret) throw invalid(offsetOf(node), WRITTEN_PASSWORD);
      // rule: exposed-secret
      if (exposed && hasSecret) {
        const mode = (stats.mode & 0o777).toString(8);
        throw new UserError('CONFIGURATION_EXPOSED', [file, mode, String(lines.linePos(offsetOf(node)).line)]);
      }
      const refuse = (problem: string) => invalid(offsetOf(node), problem);
      node.value = node.value.replace(REFERENCE, (_reference, path?: string, name = '') => {
        if (path !== undefined) return contentOf(resolve(dirname(file), path), refuse);
        const value = environment[name];
        if (value === undefined) throw refuse(`the environment variable ${name} is not set`);
        return value;
      });
    },
  });
  const result = schema.safeParse(document.toJS() ?? {});
  if (result.success) return result.data;
  const { issues } = result.error;
  // A key that is missing may be the one that is misspelt.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  if (!issue) throw invalid(0, 'it is not valid');
  if (issue.code === 'unrecognized_keys') {
    const path = [...issue.path, issue.keys[0] ?? ''];
    const meant = closestName(issue.keys[0] ?? '', keysOfSchema(schema, issue.path));
    const question = meant === undefined ? '' : ` (did you mean ${meant}?)`;
    throw invalid(findOffset(document, path), `unknown key ${dotted(path)}${question}`);
  }
  const where = issue.path.length > 0 ? `${dotted(issue.path)}: ` : '';
  const isNumber = issue.code === 'invalid_type' && issue.expected === 'string' && isNumberAt(document, issue.path);
  const problem = isNumber ? 'expected a text, and YAML reads these digits as a number: quote it' : issue.message;
  throw invalid(findOffset(document, issue.path), where + problem);
}

function isNumberAt(document: Document, path: readonly PropertyKey[]): boolean {
  const value = document.getIn(path);
  return typeof value === 'number' || typeof value === 'bigint';
}

function contentOf(path: string, refuse: (problem: string) => UserError): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw refuse(`the file ${path} cannot be read: ${messageOf(error)}`);
  }
}

/** Offset of the key at `path`, or of its nearest parent that the file contains. */
function findOffset(document: Document, path: readonly PropertyKey[]): number {
  const { isMap, isNode, isScalar } = yaml();
  for (let length = path.length; length > 0; length -= 1) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === key);
      if (pair && isNode(pair.key)) return offsetOf(pair.key);
    }
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node)) return offsetOf(node);
  }
  return 0;
}

function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0;
}

function dotted(path: readonly PropertyKey[]): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : String(step)))
    .join('.')
    .replaceAll('.[', '[');
}
