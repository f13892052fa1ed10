/** The stages of a migration, and the words for them that every interface shows. */
export const STAGES = {
  WAITING_TO_START: 'waiting to start',
  PREPARING: 'preparing',
  COPYING: 'copying',
  BUILDING_INDEXES: 'building indexes',
  REPAIRING: 'repairing',
  CATCHING_UP: 'catching up',
  VERIFYING: 'verifying',
  READY: 'ready to cut over',
  CUTTING_OVER: 'cutting over',
  PAUSING: 'pausing',
  PAUSED: 'paused',
  RESUMING: 'resuming',
  WAITING: 'waiting',
  DROPS_HELD: 'waiting for you',
  DIFFERENT: 'differences found',
  AGENT_LOST: 'agent lost',
  CANCELLING: 'cancelling',
  COMPLETE: 'complete',
  COMPLETE_WITH_PROBLEMS: 'complete, with problems',
  CANCELLED: 'cancelled',
  FAILED: 'failed',
  EXPIRED: 'expired',
} as const;

export type Stage = keyof typeof STAGES;
