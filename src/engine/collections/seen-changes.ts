/** Counts changes by namespace, for callers that check whether there are any. */
export class SeenChanges {
  readonly #looks = new Set<Look>();

  /** Notes changes in a namespace of the source. */
  note(namespace: string, changes = 1): void {
    if (changes === 0) return;
    for (const look of this.#looks) look.add(namespace, changes);
  }

  /** Counts the changes from now on, until it is disposed. */
  look(): Look {
    const look = new Look(() => this.#looks.delete(look));
    this.#looks.add(look);
    return look;
  }
}

/** The changes noted during a look. */
export class Look implements Disposable {
  readonly #byNamespace = new Map<string, number>();
  readonly #end: () => void;

  constructor(end: () => void = () => undefined) {
    this.#end = end;
  }

  add(namespace: string, changes: number): void {
    this.#byNamespace.set(namespace, (this.#byNamespace.get(namespace) ?? 0) + changes);
  }

  get count(): number {
    return [...this.#byNamespace.values()].reduce((sum, changes) => sum + changes, 0);
  }

  /** Namespaces of the source, in the order of their first changes. */
  get namespaces(): readonly string[] {
    return [...this.#byNamespace.keys()];
  }

  [Symbol.dispose](): void {
    this.#end();
  }
}
