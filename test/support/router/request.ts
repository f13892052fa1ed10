import { assemble, decode, decodeExactly, type Element, elementsOf, renamed } from './elements.ts';
import type { Message } from './wire.ts';

/** A command of a client. Its first field is its name, and that field's value is its target. */
export class Request {
  readonly name: string;
  readonly body: Buffer;
  readonly sequences: Message['sequences'];
  readonly #first: Element;
  readonly #elements: readonly Element[];
  readonly #byName: ReadonlyMap<string, Element>;

  constructor({ body, sequences }: Pick<Message, 'body' | 'sequences'>) {
    this.body = body;
    this.sequences = sequences;
    this.#elements = elementsOf(body);
    this.#byName = new Map(this.#elements.map((element) => [element.name, element]));
    const [first] = this.#elements;
    if (!first) throw new Error('a command without a name');
    this.#first = first;
    this.name = first.name;
  }

  get db(): string {
    return this.get('$db') ?? 'admin';
  }

  /** The command's own value as text: a collection, a namespace or a database. */
  get target(): string {
    return String(this.get(this.name));
  }

  get namespace(): string {
    return `${this.db}.${this.target}`;
  }

  /** The id in `getMore`. */
  get cursorId(): string {
    return this.#first.value.readBigInt64LE().toString();
  }

  get inTransaction(): boolean {
    return this.get('autocommit') === false;
  }

  /** Whether it is one of a retryable write's or a transaction's commands. No such number may reach a `cluster*` command. */
  get isNumbered(): boolean {
    return this.has('txnNumber');
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /** Returns the field's element for another command; empty when there is no such field. */
  raw(name: string): Buffer[] {
    const element = this.#byName.get(name);
    return element ? [element.bytes] : [];
  }

  // biome-ignore lint/suspicious/noExplicitAny: a field of a command can have any type
  get(name: string): any {
    return this.has(name) ? decode(assemble(this.raw(name)))[name] : undefined;
  }

  /** Returns the field's value with the types of its numbers. */
  // biome-ignore lint/suspicious/noExplicitAny: a field of a command can have any type
  exact(name: string): any {
    return this.has(name) ? decodeExactly(assemble(this.raw(name)))[name] : undefined;
  }

  /** Returns the command's first element under another name. */
  as(name: string): Buffer {
    return renamed(this.#first, name);
  }

  /**
   * Returns all elements but the first one, these, the client's cluster time, which `Connections` replaces, and those of the versioned API,
   * which servers refuse from routers.
   */
  rest(...without: string[]): Buffer[] {
    return this.#elements
      .slice(1)
      .filter(({ name }) => ![...without, '$clusterTime'].includes(name) && !name.startsWith('api'))
      .map(({ bytes }) => bytes);
  }

  /** Returns the documents of an array, which a client may send inside or outside the body. */
  documents(field: string): readonly Buffer[] {
    const element = this.#byName.get(field);
    return this.sequences.get(field) ?? (element ? elementsOf(element.value).map(({ value }) => value) : []);
  }
}

/** Whether a command opens a change stream. */
export function isChangeStream(request: Request): boolean {
  const [first] = request.documents('pipeline');
  return first !== undefined && elementsOf(first)[0]?.name === '$changeStream';
}
