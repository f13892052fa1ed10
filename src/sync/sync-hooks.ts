import { Courier, FileOutbox, type HookEvent, type Hooks, takes } from '../hooks/index.ts';
import { type Clock, knownError, type Logger, systemClock, UserError } from '../platform/index.ts';
import { failedEvent, type HookNote, hookEventsOf } from './hook-events.ts';
import type { SyncSession } from './session.ts';

const LOOK_EVERY_MS = 250;
/** The longest that hooks delay the end of the process. The next process delivers the rest. */
const END_WITHIN_MS = 5_000;

/** Announces the events of the migration of a `linkspan sync` process to hooks. No hook delays the migration. */
export class SyncHooks {
  readonly #hooks: Hooks;
  readonly #outbox: FileOutbox;
  readonly #logger: Logger;
  readonly #clock: Clock;

  /**
   * @param file  keeps the events that are not delivered
   * @throws UserError HOOK_SCOPE_WITHOUT_SERVER
   */
  constructor(hooks: Hooks, file: string, logger: Logger, clock: Clock = systemClock) {
    const scoped = hooks.hooks.find(({ orgId, groupId }) => orgId !== undefined || groupId !== undefined);
    if (scoped !== undefined) throw new UserError('HOOK_SCOPE_WITHOUT_SERVER', [scoped.name]);
    this.#hooks = hooks;
    this.#outbox = new FileOutbox(file, logger);
    this.#logger = logger;
    this.#clock = clock;
  }

  /** The problems of the hooks, in sentences. */
  get warnings(): readonly string[] {
    return this.#outbox.warnings;
  }

  /** Announces the events of a session while `work` runs. Waits a little for the delivery at its end. */
  async during<Result>(session: SyncSession, work: () => Promise<Result>): Promise<Result> {
    const stop = new AbortController();
    const over = new AbortController();
    const { hooks } = this.#hooks;
    const delivering = new Courier(hooks, this.#outbox, { clock: this.#clock, logger: this.#logger }).run(stop.signal);
    const watching = this.#watch(session, over.signal);
    session.finished.catch((error: unknown) => this.#noteFailure(session, error));
    try {
      return await work();
    } finally {
      over.abort();
      await watching;
      await this.#drain();
      stop.abort();
      await delivering;
    }
  }

  async #watch(session: SyncSession, over: AbortSignal): Promise<void> {
    do {
      await this.#clock.sleep(LOOK_EVERY_MS, over);
      this.#look(session);
    } while (!over.aborted);
  }

  #look(session: SyncSession): void {
    const progress = session.progress();
    if (progress === undefined || progress.state === 'CREATED') return;
    const before = this.#outbox.noteOf(progress.migrationId) as HookNote | undefined;
    const { awaitsCutover, failback, reversals, sourceWatch } = session;
    const look = {
      progress,
      failback,
      reversals,
      sourceWatch,
      awaitsCutover,
      waitingMs: this.#hooks.waitingMs,
      atMs: this.#clock.now(),
    };
    const { note, events } = hookEventsOf(before, look);
    if (before === undefined || events.length > 0 || JSON.stringify(note) !== JSON.stringify(before))
      this.#announce(progress.migrationId, note, events);
  }

  #noteFailure(session: SyncSession, error: unknown): void {
    const migrationId = session.migrationId ?? '';
    const event = failedEvent(migrationId, session.progress(), knownError(error), this.#clock.now());
    this.#announce(migrationId, this.#outbox.noteOf(migrationId) ?? {}, [event]);
  }

  #announce(migrationId: string, note: unknown, events: readonly HookEvent[]): void {
    const queued = events.flatMap((event) =>
      this.#hooks.hooks.filter((hook) => takes(hook, event)).map(({ name }) => ({ hook: name, event })),
    );
    this.#outbox.announce(migrationId, note, queued);
  }

  async #drain(): Promise<void> {
    const names = this.#hooks.hooks.map(({ name }) => name);
    const endsAt = this.#clock.elapsed() + END_WITHIN_MS;
    while (this.#outbox.isWaiting(names) && this.#clock.elapsed() < endsAt) await this.#clock.sleep(50);
  }
}
