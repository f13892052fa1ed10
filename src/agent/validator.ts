import { errorText, type Finding } from '../contract/index.ts';
import { type Examination, examine, findingOf, type MigrationOptions } from '../engine/index.ts';
import type { Report, WantedAgentState } from '../link/index.ts';
import { type Logger, messageOf, UserError } from '../platform/index.ts';

type WantedValidation = WantedAgentState['validations'][number];
type Result = Report['validations'][number];

/** Makes the engine's options from an assignment. @throws UserError SOURCE_NOT_CONFIGURED */
export type OptionsOf = (id: string, assignment: WantedValidation['assignment']) => MigrationOptions;

/** Runs validations: the engine's preflight, once for each id. */
export class Validator {
  readonly #optionsOf: OptionsOf;
  readonly #logger: Logger;
  readonly #changed: () => void;
  readonly #running = new Set<string>();
  #wanted: ReadonlySet<string> = new Set();
  readonly #results = new Map<string, Result>();

  /** @param changed  called when a validation has finished */
  constructor(optionsOf: OptionsOf, logger: Logger, changed: () => void) {
    this.#optionsOf = optionsOf;
    this.#logger = logger;
    this.#changed = changed;
  }

  /** Starts new validations and drops results that are no longer wanted. */
  setWanted(wanted: readonly WantedValidation[]): void {
    this.#wanted = new Set(wanted.map(({ id }) => id));
    for (const id of this.#results.keys()) {
      if (!this.#wanted.has(id)) this.#results.delete(id);
    }
    for (const validation of wanted) {
      if (!this.#running.has(validation.id) && !this.#results.has(validation.id)) void this.#carryOut(validation);
    }
  }

  /** Results of all validations that are still wanted. */
  results(): Result[] {
    return [...this.#results.values()];
  }

  async #carryOut({ id, assignment }: WantedValidation): Promise<void> {
    this.#running.add(id);
    const { findings, estimate } = await this.#look(id, assignment);
    this.#running.delete(id);
    if (!this.#wanted.has(id)) return;
    const errors = findings.filter(({ severity }) => severity === 'ERROR');
    this.#logger.info(
      { event: 'validation.finished', validation: id, errors: errors.length, findings: findings.length },
      'validation finished',
    );
    const errorMessage = errors.map(errorText).join(' ') || null;
    const status = errorMessage === null ? 'SUCCESS' : 'FAILED';
    this.#results.set(id, { id, status, errorMessage, findings, ...(estimate && { estimate }) });
    this.#changed();
  }

  /** Runs the preflight. @returns its findings, errors first, and the estimate of the copy */
  async #look(id: string, assignment: WantedValidation['assignment']): Promise<Pick<Result, 'findings' | 'estimate'>> {
    try {
      const seen = await examine(this.#optionsOf(id, assignment), { measuresReading: true });
      return { findings: inReport(seen.findings), estimate: estimateOf(seen) };
    } catch (error) {
      if (error instanceof UserError) return { findings: [findingOf(error)] };
      return { findings: [findingOf(new UserError('CHECK_FAILED', ['both clusters', messageOf(error)]))] };
    }
  }
}

/** The data that the migration would copy; undefined while the sizes are unknown. */
function estimateOf({ sizes, copyTime }: Examination): Result['estimate'] {
  if (sizes === undefined) return undefined;
  const { collections, documents, bytes, indexes, indexBytes, left } = sizes;
  const known = { collections, documents, bytes, indexes, indexBytes, left };
  if (copyTime === undefined) return known;
  const { seconds, bytesPerSecond, restsOn } = copyTime;
  return { ...known, copy: { seconds, bytesPerSecond, restsOn } };
}

/** Sorts findings for a report, errors first, and cuts the list at the maximum that a report can hold. */
export function inReport(findings: readonly Finding[], most = 1_000): Finding[] {
  const inOrder = findings.toSorted((a, b) => Number(b.severity === 'ERROR') - Number(a.severity === 'ERROR'));
  const leftOut = inOrder.length - most;
  if (leftOut <= 0) return inOrder;
  return [...inOrder.slice(0, most), findingOf(new UserError('FINDINGS_LEFT_OUT', [String(leftOut)]))];
}
