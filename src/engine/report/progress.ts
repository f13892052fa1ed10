/** The state that the operator wants. It isn't a command, so setting it twice does no harm. */
export type WantedState = 'RUNNING' | 'PAUSED' | 'CUTOVER';

/** How a run ended without an error. */
export type Outcome = 'COMMITTED' | 'STOPPED' | 'CANCELLED';
