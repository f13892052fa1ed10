/**
 * How much a line matters. `fatal`: the process ends. `error`: an operator should act. `warn`: an operator may have to.
 */
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug';

/** An entry of the catalogue of log events. */
export interface LogEventDefinition {
  readonly level: LogLevel;
  /** The names of a line's fields beside `event`. One that ends in `?` may be absent. */
  readonly fields?: readonly string[];
  /** Tells an operator the event, and the reaction of Linkspan. */
  readonly meaning: string;
}
