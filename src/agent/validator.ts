import { type MigrationOptions, preflight } from '../engine/index.ts';
import type { Report, WantedAgentState } from '../link/index.ts';
import { type Logger, messageOf, redact, UserError } from '../platform/index.ts';

type WantedValidation = WantedAgentState['validations'][number];
type Result = Report['validations'][number];

/** Makes the options of the engine of what the control plane asks. @throws UserError SOURCE_NOT_CONFIGURED */
export type OptionsOf = (id: string, assignment: WantedValidation['assignment']) => MigrationOptions;

/** Carries out validations: the engine's preflight, once for each id. */
export class Validator {
  readonly #optionsOf: OptionsOf;
  readonly #logger: Logger;
  readonly #running = new Set<string>();
  #wanted: ReadonlySet<string> = new Set();
  readonly #results = new Map<string, Result>();

  constructor(optionsOf: OptionsOf, logger: Logger) {
    this.#optionsOf = optionsOf;
    this.#logger = logger;
  }

  /** Begins what is new, and forgets what is not wanted any more. */
  setWanted(wanted: readonly WantedValidation[]): void {
    this.#wanted = new Set(wanted.map(({ id }) => id));
    for (const id of this.#results.keys()) {
      if (!this.#wanted.has(id)) this.#results.delete(id);
    }
    for (const validation of wanted) {
      if (!this.#running.has(validation.id) && !this.#results.has(validation.id)) void this.#carryOut(validation);
    }
  }

  /** Results of everything that is still wanted. */
  results(): Result[] {
    return [...this.#results.values()];
  }

  async #carryOut({ id, assignment }: WantedValidation): Promise<void> {
    this.#running.add(id);
    const errors = await this.#errorsOf(id, assignment);
    this.#running.delete(id);
    if (!this.#wanted.has(id)) return;
    const errorMessage = errors.length > 0 ? redact(errors.join(' ')) : null;
    this.#logger.info({ validation: id, errors: errors.length }, 'validation carried out');
    this.#results.set(id, { id, status: errorMessage === null ? 'SUCCESS' : 'FAILED', errorMessage });
  }

  async #errorsOf(id: string, assignment: WantedValidation['assignment']): Promise<string[]> {
    try {
      const findings = await preflight(this.#optionsOf(id, assignment));
      return findings
        .filter(({ severity }) => severity === 'error')
        .map(({ message, remedy }) => `${message} ${remedy}`);
    } catch (error) {
      return [error instanceof UserError ? `${error.message} ${error.remedy}` : messageOf(error)];
    }
  }
}
