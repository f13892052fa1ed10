import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Logger, messageOf, writeDurably } from '../platform/index.ts';
import type { HookEvent } from './event.ts';
import { type Delivery, MOST_WAITING, type Outbox } from './outbox.ts';

/** The content of the file. `notes` tell which events were announced, by migration. */
interface Content {
  readonly version: 1;
  readonly deliveries: readonly Delivery[];
  readonly notes: Readonly<Record<string, unknown>>;
}

/** Each run with `--once` is a migration of its own. */
const MOST_NOTES = 100;

const EMPTY: Content = { version: 1, deliveries: [], notes: {} };

/** The outbox of a process without a store: one file. A file that can't be written is a warning, never an error. */
export class FileOutbox implements Outbox {
  readonly #file: string;
  readonly #logger: Logger;
  #content: Content;
  /** Why each hook failed last; empty when its last attempt succeeded. */
  readonly #failures = new Map<string, string>();
  #problem: string | undefined;

  constructor(file: string, logger: Logger) {
    this.#file = file;
    this.#logger = logger;
    this.#content = this.#read();
  }

  /** Returns the note of a migration, as it was last announced. */
  noteOf(subject: string): unknown {
    return this.#content.notes[subject];
  }

  /** Queues events of a migration for hooks, and replaces its note: both are durable on return, or neither. */
  announce(
    subject: string,
    note: unknown,
    queued: readonly { readonly hook: string; readonly event: HookEvent }[],
  ): void {
    const added = queued
      .filter(({ hook }) => this.#content.deliveries.filter((one) => one.hook === hook).length < MOST_WAITING)
      .map(({ hook, event }) => ({ id: `${hook} ${event.id}`, hook, subject, event, attempts: 0 }));
    const { [subject]: _former, ...others } = this.#content.notes;
    const kept = Object.entries(others).slice(1 - MOST_NOTES);
    this.#write({
      ...this.#content,
      deliveries: [...this.#content.deliveries, ...added],
      notes: { ...Object.fromEntries(kept), [subject]: note },
    });
  }

  async heads(hooks: readonly string[]): Promise<readonly Delivery[]> {
    const heads = new Map<string, Delivery>();
    for (const delivery of this.#content.deliveries) {
      const key = `${delivery.hook} ${delivery.subject}`;
      if (hooks.includes(delivery.hook) && !heads.has(key)) heads.set(key, delivery);
    }
    return [...heads.values()];
  }

  async delivered(delivery: Delivery): Promise<void> {
    this.#failures.delete(delivery.hook);
    this.#remove(delivery);
  }

  async failed(delivery: Delivery, reason: string, givenUp: boolean): Promise<void> {
    this.#failures.set(delivery.hook, reason);
    if (givenUp) return this.#remove(delivery);
    const deliveries = this.#content.deliveries.map((one) =>
      one.id === delivery.id ? { ...one, attempts: one.attempts + 1 } : one,
    );
    this.#write({ ...this.#content, deliveries });
  }

  /** Whether an event of one of these hooks is undelivered. */
  isWaiting(hooks: readonly string[]): boolean {
    return this.#content.deliveries.some(({ hook }) => hooks.includes(hook));
  }

  /** The problems of the hooks and of the file, in sentences. */
  get warnings(): readonly string[] {
    const failing = [...this.#failures].map(([hook, reason]) => `Hook ${hook} fails: ${reason}.`);
    const file = this.#problem === undefined ? [] : [`The events for hooks don't survive a restart: ${this.#problem}.`];
    return [...failing, ...file];
  }

  #remove({ id }: Delivery): void {
    this.#write({ ...this.#content, deliveries: this.#content.deliveries.filter((one) => one.id !== id) });
  }

  #write(content: Content): void {
    this.#content = content;
    try {
      mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 });
      writeDurably(this.#file, JSON.stringify(content));
      this.#problem = undefined;
    } catch (error) {
      if (this.#problem === undefined)
        this.#logger.warn(
          { event: 'hook.queue_not_stored', file: this.#file, reason: messageOf(error) },
          'could not store the events for hooks',
        );
      this.#problem = messageOf(error);
    }
  }

  #read(): Content {
    let text: string;
    try {
      text = readFileSync(this.#file, 'utf8');
    } catch {
      return EMPTY;
    }
    try {
      const content = JSON.parse(text);
      if (content.version === 1) return content;
    } catch {
      // Reported below, as a file of another version.
    }
    this.#logger.warn(
      { event: 'hook.queue_file_unreadable', file: this.#file },
      'the file with the events for hooks is unreadable; starting with none',
    );
    return EMPTY;
  }
}
