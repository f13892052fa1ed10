import { agentLogEvents } from './agent.ts';
import { cutoverLogEvents } from './cutover.ts';
import { migrationLogEvents } from './migration.ts';
import { serverLogEvents } from './server.ts';

/** All definitions, by the name of the event. */
export type LogEvents = typeof migrationLogEvents &
  typeof cutoverLogEvents &
  typeof agentLogEvents &
  typeof serverLogEvents;

/**
 * Every kind of log line, by the name in its field `event`. The names are stable: filters and alerts read them.
 * `npm run docs` writes docs/reference/log-events.md from this table.
 */
export const LOG_EVENTS = {
  'Migrations and comparisons': migrationLogEvents,
  Cutovers: cutoverLogEvents,
  Agents: agentLogEvents,
  Servers: serverLogEvents,
} as const;
