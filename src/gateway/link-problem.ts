import { BODY_LIMIT_BYTES, clientMistake } from '../http/index.ts';
import { errorCatalogue } from '../platform/index.ts';

/** The body of an error answer to an agent. */
export interface LinkProblem {
  /** The HTTP status. */
  readonly error: number;
  /** Key of the error catalogue. */
  readonly errorCode: string;
  readonly detail: string;
  readonly remedy: string;
}

/** Converts a thrown error to the answer for an agent. It reveals nothing about a fault of the server. */
export function linkProblem(error: unknown, path: string): LinkProblem {
  const mistake = clientMistake(error, path, BODY_LIMIT_BYTES);
  if (!mistake) {
    const { status, detail, remedy } = errorCatalogue.UNEXPECTED_ERROR;
    return { error: status, errorCode: 'UNEXPECTED_ERROR', detail, remedy };
  }
  const { code, message, remedy, definition } = mistake;
  return { error: definition.status, errorCode: code, detail: message, remedy };
}
