import { STATUS_CODES } from 'node:http';
import { type ErrorCode, errorCatalogue, UserError } from '../platform/index.ts';

/** An error in Atlas's form (ApiError). */
export interface AtlasError {
  readonly detail: string;
  /** The HTTP status. */
  readonly error: number;
  readonly errorCode: string;
  /** The values in the detail; null when it has none. */
  readonly parameters: readonly string[] | null;
  readonly reason: string;
}

/** The answer to a client's mistake. */
export function atlasError(error: UserError): AtlasError {
  const { status } = error.definition;
  return {
    detail: error.message,
    error: status,
    errorCode: error.atlasCode,
    // As recorded from Atlas: null for a missing link, the substituted values for a missing group.
    parameters: error.detailParameters.length > 0 ? error.detailParameters : null,
    reason: STATUS_CODES[status] ?? '',
  };
}

/** All characters but those that RFC 9110 allows in the value of a header, and the percent sign. */
const NOT_PLAIN = /[^ -$&-~]/gu;

/** The header with the remedy for a client's mistake. The body stays as Atlas has it. Other than plain characters are percent-encoded. */
export function remedyHeader(mistake: UserError | undefined): Readonly<Record<string, string>> {
  return mistake ? { 'x-error-remedy': mistake.remedy.toWellFormed().replace(NOT_PLAIN, encodeURIComponent) } : {};
}

/** The answer to a fault of the server. As recorded from Atlas, it says nothing about the fault. */
export function unexpectedError(): AtlasError {
  const { status, detail } = errorCatalogue.UNEXPECTED_ERROR;
  return { detail, error: status, errorCode: 'UNEXPECTED_ERROR', parameters: [], reason: STATUS_CODES[status] ?? '' };
}

/**
 * The body of the 401 with a challenge, as recorded from Atlas. It differs from all other errors in order, spacing and fields.
 */
export const CHALLENGE_BODY = `{
  "error" : 401,
  "reason" : "Unauthorized",
  "detail" : "You are not authorized for this resource.",
  "errorCode" : "UNEXPECTED_ERROR"
}`;

/** Errors of the catalogue for the problems that the HTTP server finds before any handler runs. */
const SERVER_ERRORS: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  FST_ERR_BAD_URL: 'RESOURCE_NOT_FOUND',
  FST_ERR_MAX_PARAM_LENGTH: 'RESOURCE_NOT_FOUND',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
};

/**
 * Converts an error thrown while answering to the client's mistake; undefined when it is the server's fault.
 * @param path  the request's path
 */
export function clientMistake(error: unknown, path: string, bodyLimitBytes: number): UserError | undefined {
  if (error instanceof UserError) return error;
  if (!(error instanceof Error)) return undefined;
  const { code, statusCode } = error as Error & { code?: string; statusCode?: number };
  const known = code === undefined ? undefined : SERVER_ERRORS[code];
  if (known === 'PAYLOAD_TOO_LARGE') return new UserError(known, [String(bodyLimitBytes)]);
  if (known === 'UNSUPPORTED_MEDIA_TYPE') return new UserError(known, ['of the request']);
  if (known) return new UserError(known, [path]);
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new UserError('BAD_REQUEST', [error.message.replace(/\.$/, '')]);
  }
  return undefined;
}
