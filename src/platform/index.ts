export { type Clock, systemClock } from './clock.ts';
export { type ErrorCode, type ErrorDefinition, errorCatalogue, messageOf, UserError } from './errors/index.ts';
export { onReach, reach } from './hooks.ts';
export { isId, newId } from './ids.ts';
export { createLogger, type Logger, silentLogger } from './logging.ts';
export { version } from './version.ts';
