import { MongoServerError } from 'mongodb';
import { messageOf, redact } from '../../platform/index.ts';
import { unlessAborted } from '../concurrency/unless-aborted.ts';
import type { ReadFact, Server, Sight, TrialFact } from './fact.ts';
import { recorded } from './recorded.ts';

const FACT_WITHIN_MS = 10_000;

/** How a fact was found to be. */
export type Verdict =
  | 'AS_EXPECTED'
  /** Another version does it so, and the engine handles it. */
  | 'HANDLED'
  | 'DIFFERS'
  /** It differs, and a migration could lose or change data for that. */
  | 'ENDANGERS_DATA'
  | 'UNSEEN';

/** One fact, and its observation. */
export interface ProbedFact {
  readonly side: 'SOURCE' | 'DESTINATION';
  readonly name: string;
  readonly what: string;
  readonly verdict: Verdict;
  readonly expected: string;
  /** Null when the fact couldn't be seen. */
  readonly seen: string | null;
  readonly meaning: string;
  /** Why it couldn't be seen. */
  readonly why?: string;
  /** The replies that it rests on, without anything of users. */
  readonly replies?: unknown;
}

/** The side that a fact is looked for on. */
export interface Place {
  readonly side: ProbedFact['side'];
  readonly server: Server;
  /** Ends the probe, whatever is left. */
  readonly until: AbortSignal;
}

/** Sees a fact within 10 s, and judges it. A fact that can't be seen is no error. */
export async function judged(place: Place, fact: Fact, see: () => Promise<Sight>): Promise<ProbedFact> {
  if (place.until.aborted) return unseen(place, fact, 'there was no time left, or the probe was stopped');
  try {
    const sight = await unlessAborted(see(), AbortSignal.any([place.until, AbortSignal.timeout(FACT_WITHIN_MS)]));
    if (sight === undefined) return unseen(place, fact, 'it took too long, or the probe was stopped');
    const { seen, replies } = sight;
    const verdict = verdictOf(fact, fact.expected(place.server), seen);
    return {
      ...commonOf(place, fact),
      seen,
      verdict,
      ...(replies === undefined ? {} : { replies: recorded(replies) }),
    };
  } catch (error) {
    return unseen(place, fact, whyUnseen(error));
  }
}

/** Returns a fact that can't be seen. @param why  for people */
export function unseen(place: Place, fact: Fact, why: string): ProbedFact {
  return { ...commonOf(place, fact), seen: null, verdict: 'UNSEEN', why };
}

/** Describes an error without the names of hosts, which a server's or the driver's message may have. */
export function whyUnseen(error: unknown): string {
  if (error instanceof MongoServerError)
    return `the server answers ${error.codeName ?? 'with an error'} (${error.code})`;
  return error instanceof Error && error.name.startsWith('Mongo') ? error.name : redact(messageOf(error));
}

type Fact = ReadFact | TrialFact;

function verdictOf({ endangersData }: Fact, expected: readonly string[], seen: string): Verdict {
  if (seen === expected[0]) return 'AS_EXPECTED';
  if (expected.includes(seen)) return 'HANDLED';
  // rule: refuse-dangerous-mismatch
  return endangersData ? 'ENDANGERS_DATA' : 'DIFFERS';
}

function commonOf({ side, server }: Place, { name, what, meaning, expected }: Fact) {
  return { side, name, what, meaning, expected: expected(server)[0] };
}
