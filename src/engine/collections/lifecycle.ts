import type { CollectionState as RecordedState } from '../records/records.ts';

/** The state of a collection's migration. In most states it may also be suspect, missing or refused: those are separate fields. */
export type CollectionLifecycle =
  /** The source's catalog has the collection. The destination may not have it yet. */
  | { readonly state: 'creating' }
  /** The destination has it, and its copy has not begun. Changes are ignored, because the copy reads a later state. */
  | { readonly state: 'pending' }
  /** The ranges of its copy are being planned and are not on record yet: a successor plans them again. Changes go to the spool. */
  | { readonly state: 'planning' }
  /** Its documents are copied range by range. Changes go to the spool. */
  | { readonly state: 'copying' }
  /** It is copied, and its indexes are being built. Changes go to the spool. */
  | { readonly state: 'indexing' }
  /** The engine applies its spool. Changes go to the lanes. */
  | {
      readonly state: 'draining';
      readonly wasLive: boolean;
      /** True for a capped collection, whose order counts: changes queue in the spool until it is empty. */
      readonly ordered: boolean;
    }
  /** It is copied and indexed. Changes go to the lanes. */
  | { readonly state: 'live' }
  /** The destination rejects one of its documents, or the source's server lacks the collection. Changes, and keys still in a lane, go to the spool. */
  | { readonly state: 'quarantined'; readonly wasLive: boolean }
  /** The source dropped it. */
  | { readonly state: 'gone'; readonly was: RecordedState };

export type CollectionStateName = CollectionLifecycle['state'];

/** Events that may change a collection's state. */
export type CollectionEvent =
  /** The destination has the collection. */
  | { readonly kind: 'created' }
  | { readonly kind: 'plan begun' }
  | { readonly kind: 'plan failed' }
  /** The ranges of its copy are on record. */
  | { readonly kind: 'planned' }
  | { readonly kind: 'copied' }
  | { readonly kind: 'drain begun'; readonly ordered: boolean }
  /** All spooled changes of a capped collection are in the lanes, in their order. */
  | { readonly kind: 'order drained' }
  | { readonly kind: 'drained' }
  | { readonly kind: 'quarantined' }
  /** The engine has to copy it again and replaces the documents on the destination. */
  | { readonly kind: 'copy again' }
  | { readonly kind: 'dropped' };

export type CollectionEventName = CollectionEvent['kind'];

/** The next state. `ignored`: the event changes nothing. `impossible`: a bug of the engine, which ends the migration. */
type Outcome = CollectionStateName | 'ignored' | 'impossible';

const NOTHING: Readonly<Record<CollectionEventName, Outcome>> = {
  created: 'impossible',
  'plan begun': 'impossible',
  'plan failed': 'impossible',
  planned: 'impossible',
  copied: 'impossible',
  'drain begun': 'impossible',
  'order drained': 'impossible',
  drained: 'impossible',
  quarantined: 'ignored',
  'copy again': 'impossible',
  dropped: 'gone',
};

/** The outcome of each event in each state. docs/reference/lifecycles.md is generated from this table. */
export const COLLECTION_TRANSITIONS: Readonly<
  Record<CollectionStateName, Readonly<Record<CollectionEventName, Outcome>>>
> = {
  creating: { ...NOTHING, created: 'pending', quarantined: 'impossible' },
  // A lane may still have keys of a collection that is copied again. They go to the spool, and the copy reads their documents.
  pending: { ...NOTHING, 'plan begun': 'planning', 'copy again': 'ignored' },
  planning: { ...NOTHING, 'plan failed': 'pending', planned: 'copying' },
  copying: { ...NOTHING, copied: 'indexing' },
  indexing: { ...NOTHING, 'drain begun': 'draining', quarantined: 'quarantined', 'copy again': 'pending' },
  draining: {
    ...NOTHING,
    // A drain that failed half-way starts again.
    'drain begun': 'draining',
    'order drained': 'draining',
    drained: 'live',
    quarantined: 'quarantined',
    'copy again': 'pending',
  },
  live: {
    ...NOTHING,
    // A collection can be drained a second time, when it was quarantined while its index builds were retried.
    'drain begun': 'ignored',
    'order drained': 'ignored',
    drained: 'ignored',
    quarantined: 'quarantined',
    'copy again': 'pending',
  },
  quarantined: {
    ...NOTHING,
    'drain begun': 'draining',
    // The drain during which it was quarantined checks the state only after this event.
    'order drained': 'ignored',
    quarantined: 'ignored',
    'copy again': 'pending',
  },
  gone: {
    created: 'ignored',
    'plan begun': 'ignored',
    'plan failed': 'ignored',
    planned: 'ignored',
    copied: 'ignored',
    'drain begun': 'ignored',
    'order drained': 'ignored',
    drained: 'ignored',
    quarantined: 'ignored',
    'copy again': 'ignored',
    dropped: 'ignored',
  },
};

/**
 * Returns the lifecycle after an event: the same object when the event is ignored.
 * @throws Error for an event that can't happen in this state
 */
export function afterEvent(now: CollectionLifecycle, event: CollectionEvent): CollectionLifecycle {
  const outcome = COLLECTION_TRANSITIONS[now.state][event.kind];
  switch (outcome) {
    case 'ignored':
      return now;
    case 'impossible':
      throw new Error(`A collection that is ${now.state} can't be ${event.kind}`);
    case 'draining':
      return { state: outcome, wasLive: wasLive(now), ordered: event.kind === 'drain begun' && event.ordered };
    case 'quarantined':
      return { state: outcome, wasLive: wasLive(now) };
    case 'gone':
      return { state: outcome, was: recordedState(now) };
    default:
      return { state: outcome };
  }
}

/** Whether the collection has been live since its copy. It then still counts as done: that count must not fall. */
export function wasLive(now: CollectionLifecycle): boolean {
  return now.state === 'live' || ((now.state === 'draining' || now.state === 'quarantined') && now.wasLive);
}

/** Returns the state for the record: a step that a successor has to repeat counts as not begun. */
export function recordedState(now: CollectionLifecycle): RecordedState {
  switch (now.state) {
    case 'planning':
      // rule: pending-until-planned
      return 'pending';
    case 'draining':
    case 'quarantined':
      return 'indexing';
    case 'gone':
      return now.was;
    default:
      return now.state;
  }
}

/** Returns the lifecycle in which a run resumes a collection, given the state on record. */
export function recordedLifecycle(state: RecordedState, wasLive: boolean): CollectionLifecycle {
  return state === 'indexing' && wasLive ? { state: 'quarantined', wasLive } : { state };
}
