import type { z } from 'zod';
import { type Method, type OperationId, routeOf } from '../contract/index.ts';
import type { Actor, Control, GroupRole, OrganizationRole } from '../control/index.ts';
import { UserError } from '../platform/index.ts';

/** The versions of Atlas's resources that Linkspan serves, as dates. */
type Version = '2023-01-01' | '2024-05-30' | '2024-08-05';

/** One version of an operation. */
interface OperationVersion<Schema> {
  readonly version: Version;
  /** The schema of its request body; absent if the operation has none. */
  readonly body?: Schema;
  /** Set if a newer version replaced it: since when, and until when Linkspan serves it. HTTP dates, as Atlas sends them. */
  readonly superseded?: { readonly deprecation: string; readonly sunset: string };
}

/**
 * Returns the time of a query parameter in milliseconds since 1970; undefined without one.
 * @throws UserError INVALID_QUERY_PARAMETER
 */
export function timeOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const atMs = Date.parse(text);
  if (Number.isNaN(atMs)) throw new UserError('INVALID_QUERY_PARAMETER', [name, 'a time such as 2026-11-01T12:00:00Z']);
  return atMs;
}

/** The checked request that an operation's handler gets. */
export interface OperationRequest<Body> {
  readonly control: Control;
  readonly actor: Actor;
  /** The decoded path parameter of a name. The use cases check its form. */
  readonly path: (name: string) => string;
  readonly query: URLSearchParams;
  readonly body: Body;
  /** The request's Idempotency-Key; null without one, and for an operation that takes none. */
  readonly idempotencyKey: string | null;
  /** The public URL of the request's path, for links. */
  readonly address: string;
}

/** An operation of the Atlas Administration API. Its routes and its OpenAPI description are generated from it. */
export interface Operation<Body = never> {
  readonly operationId: OperationId;
  readonly summary: string;
  readonly method: Method;
  /** Path after the prefix, with `{name}` for parameters. */
  readonly path: string;
  /** Status of success. */
  readonly status: 200 | 201 | 202 | 204;
  /** Ascending. */
  readonly versions: readonly OperationVersion<z.ZodType<Body>>[];
  /** The role that a sender needs, for an operation with a body: it is checked before the body is read. */
  readonly role?: OrganizationRole | GroupRole;
  readonly response?: z.ZodType;
  /** Query parameters besides envelope and pretty. */
  readonly query?: readonly (
    | 'pageNum'
    | 'itemsPerPage'
    | 'includeCount'
    | 'name'
    | 'eventType'
    | 'namespace'
    | 'minDate'
    | 'maxDate'
    | 'actorName'
    | 'targetKind'
    | 'targetId'
    | 'span'
    | 'since'
    | 'status'
    | 'source'
    | 'destination'
    | 'label'
  )[];
  /** True if a client may send an Idempotency-Key, so that a repeated request creates nothing. */
  readonly takesIdempotencyKey?: boolean;
  /** True if a client may ask for a stream of the answer (`Accept: text/event-stream`), one event for each change. */
  readonly live?: boolean;
  /** True if Atlas has no such operation, or Linkspan's differs. */
  readonly extension?: boolean;
  readonly handle: (request: OperationRequest<Body>) => Promise<unknown>;
}

/** An operation with any body type. */
export type AnyOperation = Omit<Operation, 'handle' | 'versions'> & {
  readonly versions: readonly OperationVersion<z.ZodType>[];
  readonly handle: (request: OperationRequest<never>) => Promise<unknown>;
};

/** An operation with its group in the API's description. */
export type TaggedOperation = AnyOperation & { readonly tag: string };

/** Declares an operation. The compiler checks that the handler accepts the body that the schemas produce. */
export function defineOperation<Body = undefined>(operation: Omit<Operation<Body>, 'method' | 'path'>): AnyOperation {
  return { ...operation, ...routeOf(operation.operationId) };
}
