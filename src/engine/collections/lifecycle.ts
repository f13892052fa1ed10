import type { CollectionState as RecordedState } from '../records/records.ts';

/**
 * Where a collection stands on its way to the destination. It may be suspect, missing or refused besides, in most of these states: those are
 * fields of their own.
 */
export type CollectionLifecycle =
  /** Known from the source's catalog. The destination may not have it yet. */
  | { readonly state: 'creating' }
  /** On the destination, and its copy has not begun. Changes of it need no attention: the copy reads a later state. */
  | { readonly state: 'pending' }
  /** The ranges of its copy are not on record yet: a successor plans them again. Its changes go to the spool. */
  | { readonly state: 'planning' }
  /** Documents are copied range by range. Its changes go to the spool. */
  | { readonly state: 'copying' }
  /** Copied; its indexes are built. Its changes go to the spool. */
  | { readonly state: 'indexing' }
  /** The spool is applied. Its changes go to the lanes. */
  | {
      readonly state: 'draining';
      readonly wasLive: boolean;
      /** The order of a capped collection counts: as long as something of it is spooled, changes go behind that, to the spool. */
      readonly ordered: boolean;
    }
  /** Its changes go to the lanes. */
  | { readonly state: 'live' }
  /** The destination refuses one of its documents, or the source's server lacks it. Its changes, and keys still in a lane, go to the spool. */
  | { readonly state: 'set aside'; readonly wasLive: boolean }
  /** The source dropped it. */
  | { readonly state: 'gone'; readonly was: RecordedState };

export type CollectionStateName = CollectionLifecycle['state'];

/** Events in the life of a collection. */
export type CollectionEvent =
  /** The destination has it. */
  | { readonly kind: 'created' }
  | { readonly kind: 'plan begun' }
  | { readonly kind: 'plan failed' }
  /** Its ranges are on record. */
  | { readonly kind: 'planned' }
  | { readonly kind: 'copied' }
  | { readonly kind: 'drain begun'; readonly ordered: boolean }
  /** The spool of a capped collection is in the lanes, in its order. */
  | { readonly kind: 'order drained' }
  | { readonly kind: 'drained' }
  | { readonly kind: 'set aside' }
  /** It is to be copied again, in place of what is there. */
  | { readonly kind: 'copy again' }
  | { readonly kind: 'dropped' };

export type CollectionEventName = CollectionEvent['kind'];

/** The next state; `ignored`: the event changes nothing then; `impossible`: a fault of the engine, which ends the migration. */
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
  'set aside': 'ignored',
  'copy again': 'impossible',
  dropped: 'gone',
};

/** Every state × event. docs/reference/lifecycles.md is generated from it. */
export const COLLECTION_TRANSITIONS: Readonly<
  Record<CollectionStateName, Readonly<Record<CollectionEventName, Outcome>>>
> = {
  creating: { ...NOTHING, created: 'pending', 'set aside': 'impossible' },
  // A lane may still have keys of a collection that is to be copied again. They go to the spool, and the copy reads what they stand for.
  pending: { ...NOTHING, 'plan begun': 'planning', 'copy again': 'ignored' },
  planning: { ...NOTHING, 'plan failed': 'pending', planned: 'copying' },
  copying: { ...NOTHING, copied: 'indexing' },
  indexing: { ...NOTHING, 'drain begun': 'draining', 'set aside': 'set aside', 'copy again': 'pending' },
  draining: {
    ...NOTHING,
    // After a drain that failed half-way.
    'drain begun': 'draining',
    'order drained': 'draining',
    drained: 'live',
    'set aside': 'set aside',
    'copy again': 'pending',
  },
  live: {
    ...NOTHING,
    // A collection whose indexes are still tried can be drained a second time, after it was set aside.
    'drain begun': 'ignored',
    'order drained': 'ignored',
    drained: 'ignored',
    'set aside': 'set aside',
    'copy again': 'pending',
  },
  'set aside': {
    ...NOTHING,
    'drain begun': 'draining',
    // The drain during which it was set aside notices that afterwards.
    'order drained': 'ignored',
    'set aside': 'ignored',
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
    'set aside': 'ignored',
    'copy again': 'ignored',
    dropped: 'ignored',
  },
};

/**
 * The lifecycle after an event. The same object where the event is ignored.
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
    case 'set aside':
      return { state: outcome, wasLive: wasLive(now) };
    case 'gone':
      return { state: outcome, was: recordedState(now) };
    default:
      return { state: outcome };
  }
}

/** Whether it was live once since its copy, so that no count of what is done goes back. */
export function wasLive(now: CollectionLifecycle): boolean {
  return now.state === 'live' || ((now.state === 'draining' || now.state === 'set aside') && now.wasLive);
}

/** The state as it is put on record: what a successor has to do again counts as not begun. */
export function recordedState(now: CollectionLifecycle): RecordedState {
  switch (now.state) {
    case 'planning':
      return 'pending';
    case 'draining':
    case 'set aside':
      return 'indexing';
    case 'gone':
      return now.was;
    default:
      return now.state;
  }
}

/** The lifecycle of a collection that an earlier run has put on record. */
export function recordedLifecycle(state: RecordedState, wasLive: boolean): CollectionLifecycle {
  return state === 'indexing' && wasLive ? { state: 'set aside', wasLive } : { state };
}
