import type { Logger } from '../platform/index.ts';

/** Agents of which the fields are known; of further ones, the oldest are forgotten. */
const MOST_AGENTS = 1_000;

/** Logs which fields of agents' reports the contract doesn't take: once for each agent, and again when they change. */
export class LeftOutFields {
  readonly #logger: Logger;
  readonly #known = new Map<string, string>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** @param fields  the paths of fields that were left out of one report; empty for none */
  note(
    agent: { readonly id: string; readonly host: string; readonly version: string },
    fields: readonly string[],
  ): void {
    const paths = fields.join(', ');
    if ((this.#known.get(agent.id) ?? '') === paths) return;
    this.#known.delete(agent.id);
    this.#known.set(agent.id, paths);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST_AGENTS && oldest !== undefined) this.#known.delete(oldest);
    if (fields.length === 0) return;
    this.#logger.warn(
      { event: 'report.fields_left_out', host: agent.host, version: agent.version, fields: paths },
      'A report of an agent has fields that this version does not take. Are both of the same version?',
    );
  }
}
