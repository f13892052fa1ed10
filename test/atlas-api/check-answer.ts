import assert from 'node:assert/strict';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

interface DescribedOperation {
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
}

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
}

/** The parts of an answer that the OpenAPI document describes. */
export interface Answer {
  readonly status: number;
  readonly contentType: string | null;
  readonly text: string;
}

const METHODS = ['get', 'put', 'post', 'delete', 'patch'];

let latest: { readonly text: string; readonly check: AnswerCheck } | undefined;

/** Compiled once for all tests of a process whose servers publish the same document. */
export async function answerCheckOf(server: string): Promise<AnswerCheck> {
  const text = await (await fetch(`${server}/openapi.json`)).text();
  if (latest?.text !== text) latest = { text, check: new AnswerCheck(JSON.parse(text)) };
  return latest.check;
}

/** Checks answers of a server against the OpenAPI document that it publishes: paths, statuses, content types, bodies. */
class AnswerCheck {
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  readonly #operations: readonly { readonly method: string; readonly path: RegExp; readonly template: string }[];
  readonly #document: Description;
  readonly #validators = new Map<string, ValidateFunction>();

  constructor(document: object) {
    this.#document = closed(document) as Description;
    this.#ajv.addSchema(this.#document, 'api');
    this.#operations = Object.entries(this.#document.paths).flatMap(([template, methods]) =>
      METHODS.filter((method) => methods[method]).map((method) => ({
        method,
        template,
        path: new RegExp(`^${template.replace(/\./g, '\\.').replace(/\{\w+\}/g, '[^/]+')}/?$`),
      })),
    );
  }

  /**
   * @param target  path and query. The document does not describe envelopes, so only their content is checked
   * @throws AssertionError for an answer that the document does not allow. Paths that it does not describe may only be answered 4xx
   */
  check(method: string, target: string, { status, contentType, text }: Answer): void {
    const path = target.split('?', 1)[0]?.replace(/^\/{2,}/, '/') ?? '';
    const isOurs = (operation: { method: string; path: RegExp }) =>
      operation.method === method.toLowerCase() && operation.path.test(path);
    // A path without parameters has precedence over one with them.
    const found = this.#operations
      .filter(isOurs)
      .sort((a, b) => a.template.split('{').length - b.template.split('{').length)[0];
    const what = `${method} ${target}: ${status} ${text.slice(0, 300)}`;
    if (!found) {
      assert.ok(status >= 400 && status < 500, `${what} is not described`);
      return;
    }
    const described = this.#document.paths[found.template]?.[found.method]?.responses[status];
    assert.ok(described, `${what}: the status is not described`);
    const content = Object.keys(described.content ?? {});
    if (content.length === 0) {
      assert.equal(
        text,
        /[?&]envelope=true/i.test(target) && status !== 204 ? text : '',
        `${what}: a body is not described`,
      );
      return;
    }
    const type = contentType?.replace(/;charset=utf-8$/, '') ?? '';
    assert.ok(content.includes(type), `${what}: ${contentType} is not described`);
    const pointer = ['paths', found.template, found.method, 'responses', String(status), 'content', type, 'schema'];
    const body: unknown = JSON.parse(text);
    this.#checkSchema(`api#/${pointer.map(escapePointer).join('/')}`, unwrap(body, target), what);
  }

  #checkSchema(reference: string, body: unknown, what: string): void {
    const validate = this.#validators.get(reference) ?? this.#ajv.compile({ $ref: reference });
    this.#validators.set(reference, validate);
    assert.ok(validate(body), `${what}: ${this.#ajv.errorsText(validate.errors)}`);
  }
}

/** Returns a copy of the description in which no object allows further fields: an answer of this version has only described ones. */
function closed(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(closed);
  if (part === null || typeof part !== 'object') return part;
  const copy = Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, closed(inner)]));
  const isObject = copy.type === 'object' && copy.properties !== undefined && copy.additionalProperties === undefined;
  return isObject ? { ...copy, additionalProperties: false } : copy;
}

function unwrap(body: unknown, target: string): unknown {
  if (!/[?&]envelope=true/i.test(target) || body === null || typeof body !== 'object') return body;
  if ('content' in body) return body.content;
  const { status: _, ...list } = body as Record<string, unknown>;
  return list;
}

function escapePointer(step: string): string {
  return encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'));
}
