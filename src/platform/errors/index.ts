import { administrationErrors } from './administration.ts';
import { apiErrors } from './api.ts';
import { commandLineErrors } from './command-line.ts';
import { comparisonErrors } from './comparison.ts';
import type { ErrorDefinition } from './define.ts';
import { engineErrors } from './engine.ts';
import { linkErrors } from './link.ts';
import { withoutProtocolFields } from './protocol-fields.ts';
import { serverErrors } from './server.ts';
import { verificationErrors } from './verification.ts';

export type { ErrorDefinition } from './define.ts';

/** Every error that a user can get, by code. `docs/reference/errors.md` lists the same errors, and a test compares both. */
export const errorCatalogue = {
  ...engineErrors,
  ...linkErrors,
  ...apiErrors,
  ...serverErrors,
  ...administrationErrors,
  ...comparisonErrors,
  ...commandLineErrors,
  ...verificationErrors,
};

export type ErrorCode = keyof typeof errorCatalogue;

/** An error that the user caused or can fix. Everything else that is thrown is a bug. */
export class UserError extends Error {
  readonly code: ErrorCode;
  readonly parameters: readonly string[];

  /**
   * @param code        key of the catalogue
   * @param parameters  values for the `%` in detail, then in remedy, in order; never a secret
   */
  constructor(code: ErrorCode, parameters: readonly string[] = [], options?: ErrorOptions) {
    super(fillTemplate(errorCatalogue[code].detail, parameters), options);
    this.name = 'UserError';
    this.code = code;
    this.parameters = parameters;
  }

  get definition(): ErrorDefinition {
    return errorCatalogue[this.code];
  }

  /** The Atlas `errorCode`, or the catalogue's code where Atlas has none. */
  get atlasCode(): string {
    return this.definition.atlasCode ?? this.code;
  }

  get remedy(): string {
    return fillTemplate(this.definition.remedy, this.parameters.slice(this.#placesInDetail));
  }

  /** The values without those of the remedy. Atlas also sends some that its text doesn't show. */
  get detailParameters(): readonly string[] {
    return this.definition.remedy.includes('%') ? this.parameters.slice(0, this.#placesInDetail) : this.parameters;
  }

  get #placesInDetail(): number {
    return this.definition.detail.split('%').length - 1;
  }
}

/** The message of a thrown value, in one line, without the protocol fields of a server's message. */
export function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return withoutProtocolFields(message.replace(/\s+/g, ' ').trim());
}

/** Returns an error as one of the catalogue. One that isn't gets the code and name that a server gave it. */
export function knownError(error: unknown): UserError {
  if (error instanceof UserError) return error;
  const { code, codeName } = Object(error) as { readonly code?: unknown; readonly codeName?: unknown };
  const name = typeof codeName === 'string' ? ` ${codeName}` : '';
  const shown = typeof code === 'number' ? `${messageOf(error)} (code ${code}${name})` : messageOf(error);
  return new UserError('INTERNAL_ERROR', [shown], { cause: error });
}

function fillTemplate(template: string, parameters: readonly string[]): string {
  let next = 0;
  return template.replace(/%/g, () => parameters[next++] ?? '?');
}
