import type { MongoClient } from 'mongodb';
import type { Scratch } from './scratch.ts';

/** The server of which a fact is expected. */
export interface Server {
  readonly version: string;
  /** Its feature compatibility version. */
  readonly level: string;
}

/** One observation of a server. */
export interface Sight {
  /** In the words of the fact's expectation. */
  readonly seen: string;
  /** The replies that it rests on. They hold only data that the probe has made. */
  readonly replies?: unknown;
}

/** Something that the engine relies on, and that a version of the server may do otherwise. */
interface CommonFact {
  /** For programs, and for recordings. */
  readonly name: string;
  readonly what: string;
  /**
   * The behaviour of this version, then that of others which the engine handles, too. The first is from tests on real
   * servers of 5.0 and 6.0, and from the server's source for newer ones.
   */
  readonly expected: (server: Server) => readonly [string, ...string[]];
  /** The consequence where a server does something else. */
  readonly meaning: string;
  /** Whether a migration could then lose or change data without noticing. */
  readonly endangersData?: true;
}

/** A fact that reading shows, on either side. */
export interface ReadFact extends CommonFact {
  /** Whether a router of a sharded cluster doesn't show it. */
  readonly notOfRouters?: true;
  readonly look: (client: MongoClient, server: Server) => Promise<Sight>;
}

/** A fact that needs collections to try it with. */
export interface TrialFact extends CommonFact {
  readonly attempt: (scratch: Scratch) => Promise<Sight>;
  /** Whether it is tried on a scratch cluster only, because it affects users of the cluster. */
  readonly stopsUsers?: true;
}
