import type { Binary } from 'mongodb';

/** A command that a client sends through the proxy. */
export interface Command {
  readonly name: string;
  readonly database: string;
  /** Its bytes without documents that are outside the body. */
  readonly body: Buffer;
  /** The name by which its client has introduced itself; empty without one. */
  readonly application: string;
}

/** An error reply in place of the server's. */
export interface Refusal {
  readonly code: number;
  readonly codeName: string;
  readonly errmsg: string;
  readonly errorLabels?: readonly string[];
}

/** Choices of an operator of the newer server. */
export interface DialectSettings {
  /** The feature compatibility version; by default that of the version. */
  readonly level?: string;
  /** The cluster parameter of this name, from 8.0 on; 0 by default, which is none. */
  readonly defaultMaxTimeMS?: number;
  /** Whether streams show the ends of transactions, which a feature flag turns on; false by default. */
  readonly endsTransactions?: boolean;
}

/** The newer server of which facts speak: a real one with changes. */
export interface ModelledServer extends Required<DialectSettings> {
  readonly version: string;
  readonly maxWireVersion: number;
  /** Its next answer to a command of the name, given once. */
  readonly refusals: Map<string, Refusal>;
  /** The reason of the write block; undefined without one that has a reason. */
  blockReason: string | undefined;
  /** Open cursors that a fact has to know again, with a word of that fact before their identifiers. */
  readonly cursors: Set<string>;
  /** Whether the bucketing of time series is that of their creation, by full name. */
  readonly fixedBucketing: Map<string, boolean>;
  /** Full names of all time series that were looked up or had an event, also of dropped ones. */
  readonly timeSeriesSeen: Set<string>;
  /** Returns the names of a database's time series, with the UUIDs of their buckets. */
  timeSeriesOf(database: string): Promise<ReadonlyMap<string, Binary>>;
}

/**
 * A difference between a newer server and a real one of 6.0. Both functions return bytes, and leave the bytes of users'
 * documents unchanged.
 */
export interface Fact {
  readonly name: string;
  /** A ticket, a page of the documentation, or a file with its repository, that says so. */
  readonly source: string;
  /** The version of the real server that confirmed it. No server newer than 6.0 has confirmed any yet. */
  readonly recordedFrom: string | null;
  /** The commands that it concerns. */
  readonly commands: readonly string[];
  /** Translates a request to 6.0, or refuses it as the newer server does. */
  request?(command: Command, server: ModelledServer): Buffer | Refusal | Promise<Buffer | Refusal>;
  /** Translates a reply that is no error. */
  reply?(reply: Buffer, command: Command, server: ModelledServer): Buffer | Promise<Buffer>;
}

/** A code of the dialect's own, for requests of which no source says how the newer server answers. */
export const NOT_MODELLED = 90_000_001;

export function isRefusal(answer: Buffer | Refusal): answer is Refusal {
  return !Buffer.isBuffer(answer);
}

/** Returns the fact for servers with this feature compatibility version only. */
export function atLevel(level: string, { request, reply, ...fact }: Fact): Fact {
  return {
    ...fact,
    request: (command, server) => (server.level === level ? request?.(command, server) : undefined) ?? command.body,
    reply: (bytes, command, server) => (server.level === level ? reply?.(bytes, command, server) : undefined) ?? bytes,
  };
}

/** Refuses what no fact tells about, so that a test fails instead of passing by accident. */
export function notModelled(what: string): Refusal {
  return { code: NOT_MODELLED, codeName: 'NotModelled', errmsg: `the dialect has no fact about ${what}` };
}
