import { BODY_LIMIT_BYTES, clientMistake } from '../http/index.ts';
import { errorCatalogue } from '../platform/index.ts';

/** An error as an agent is told of it. */
export interface LinkProblem {
  /** The HTTP status. */
  readonly error: number;
  /** Key of the error catalogue. */
  readonly errorCode: string;
  readonly detail: string;
  readonly remedy: string;
}

/** Anything that was thrown, as an agent is told of it; a fault of the server's says nothing of itself. */
export function linkProblem(error: unknown, path: string): LinkProblem {
  const mistake = clientMistake(error, path, BODY_LIMIT_BYTES);
  if (!mistake) {
    const { status, detail, remedy } = errorCatalogue.UNEXPECTED_ERROR;
    return { error: status, errorCode: 'UNEXPECTED_ERROR', detail, remedy };
  }
  const { code, message, remedy, definition } = mistake;
  return { error: definition.status, errorCode: code, detail: message, remedy };
}
