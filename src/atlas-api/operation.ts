import type { z } from 'zod';
import type { Actor, Control } from '../control/index.ts';

/** The versions of Atlas's resources that Linkspan serves, as dates. */
type Version = '2023-01-01' | '2024-05-30' | '2024-08-05';

/** One version of an operation. */
interface OperationVersion<Schema> {
  readonly version: Version;
  /** The schema of its request body, where the operation has one. */
  readonly body?: Schema;
  /** Where a newer version has taken its place: since when, and until when it is served; HTTP dates, as Atlas sends them. */
  readonly superseded?: { readonly deprecation: string; readonly sunset: string };
}

/** What an operation's handler is given: all of it checked. */
export interface OperationRequest<Body> {
  readonly control: Control;
  readonly actor: Actor;
  /** By name, decoded; not yet checked for form, which the use cases do. */
  readonly path: (name: string) => string;
  readonly query: URLSearchParams;
  readonly body: Body;
  /** The public URL of the request's path; for links. */
  readonly address: string;
}

/** One operation of the Atlas Administration API: the data from which its routes and its OpenAPI description are made. */
export interface Operation<Body = never> {
  readonly operationId: string;
  readonly summary: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** After the prefix, with `{name}` for parameters. */
  readonly path: string;
  /** Status of success. */
  readonly status: 200 | 201 | 202 | 204;
  /** Ascending. */
  readonly versions: readonly OperationVersion<z.ZodType<Body>>[];
  readonly response?: z.ZodType;
  /** Query parameters besides envelope and pretty. */
  readonly query?: readonly ('pageNum' | 'itemsPerPage' | 'includeCount' | 'name' | 'eventType')[];
  /** True where Atlas has no such operation, or where Linkspan's does something else. */
  readonly extension?: boolean;
  readonly handle: (request: OperationRequest<Body>) => Promise<unknown>;
}

/** An operation of which the body's type no longer matters. */
export type AnyOperation = Omit<Operation, 'handle' | 'versions'> & {
  readonly versions: readonly OperationVersion<z.ZodType>[];
  readonly handle: (request: OperationRequest<never>) => Promise<unknown>;
};

/** Declares an operation: checks that the handler takes what the schemas give. */
export function defineOperation<Body = undefined>(operation: Operation<Body>): AnyOperation {
  return operation;
}
