import { existsSync, readFileSync, rmSync } from 'node:fs';
import { z } from 'zod';
import type { VerificationReport } from '../../contract/index.ts';
import { type SavedState, savedState, type Verified } from '../../engine/index.ts';
import { messageOf, UserError, writeDurably } from '../../platform/index.ts';

/** The file of a comparison that has not ended. */
const stateFile = z.strictObject({
  type: z.literal('linkspan verification state'),
  formatVersion: z.literal(1),
  /** Version that wrote the state. */
  linkspanVersion: z.string(),
  state: savedState,
});

/** The file of a report, and of the state to resume from while the comparison has not ended. */
export class VerifyFile {
  readonly path: string;
  readonly #linkspanVersion: string;

  constructor(path: string, linkspanVersion: string) {
    this.path = path;
    this.#linkspanVersion = linkspanVersion;
  }

  /** The file beside the report that lists differences, one JSON object a line. */
  get differencesPath(): string {
    return `${this.path}.differences.ndjson`;
  }

  /**
   * Returns the state to resume from; undefined when there is no file.
   * @throws UserError REPORT_EXISTS
   */
  read(): SavedState | undefined {
    if (!existsSync(this.path)) return undefined;
    try {
      return stateFile.parse(JSON.parse(readFileSync(this.path, 'utf8'))).state;
    } catch (error) {
      const reason = error instanceof z.ZodError ? 'it has another form' : messageOf(error);
      throw new UserError('REPORT_EXISTS', [this.path, reason], { cause: error });
    }
  }

  save(state: SavedState): void {
    this.#write(this.path, {
      type: 'linkspan verification state',
      formatVersion: 1,
      linkspanVersion: this.#linkspanVersion,
      state,
    });
  }

  /** Replaces the state by the report. The differences come first: a report always has its list. */
  finish({ report, differences }: Verified): void {
    const lines = differences.map((difference) => `${JSON.stringify(difference)}\n`).join('');
    if (lines === '') rmSync(this.differencesPath, { force: true });
    else this.#writeText(this.differencesPath, lines);
    this.#writeText(this.path, `${JSON.stringify(report satisfies VerificationReport, null, 2)}\n`);
  }

  #write(path: string, content: z.input<typeof stateFile>): void {
    this.#writeText(path, `${JSON.stringify(content)}\n`);
  }

  #writeText(path: string, text: string): void {
    try {
      writeDurably(path, text);
    } catch (error) {
      throw new UserError('REPORT_UNWRITABLE', [path, messageOf(error)], { cause: error });
    }
  }
}
