/** The state that the operator wants. It isn't a command, so setting it twice does no harm. */
export type WantedState = 'RUNNING' | 'PAUSED' | 'CUTOVER';
