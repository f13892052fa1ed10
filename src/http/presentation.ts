import { UserError } from '../platform/index.ts';
import { atlasJson } from './json.ts';

/** The query parameters of every Atlas resource for the form of the answer. */
export interface Presentation {
  readonly envelope: boolean;
  readonly pretty: boolean;
}

export const PLAIN: Presentation = { envelope: false, pretty: false };

/** @throws UserError INVALID_QUERY_PARAMETER */
export function readPresentation(query: URLSearchParams): Presentation {
  return { envelope: readBoolean(query, 'envelope', false), pretty: readBoolean(query, 'pretty', false) };
}

/** @throws UserError INVALID_QUERY_PARAMETER */
export function readBoolean(query: URLSearchParams, name: string, byDefault: boolean): boolean {
  const text = query.get(name)?.toLowerCase();
  if (text === undefined) return byDefault;
  if (text !== 'true' && text !== 'false') throw new UserError('INVALID_QUERY_PARAMETER', [name, 'true or false']);
  return text === 'true';
}

/**
 * Writes an answer's body. The envelope is for clients that see neither status nor headers: `{status, content}`, or for lists the
 * list with `status` beside `results`. The HTTP status does not change.
 */
export function present(status: number, body: unknown, { envelope, pretty }: Presentation): string {
  return atlasJson(envelope ? enveloped(status, body) : body, pretty);
}

function enveloped(status: number, body: unknown): object {
  const isPage = body !== null && typeof body === 'object' && 'results' in body;
  return isPage ? { ...body, status } : { content: body, status };
}
