export { type Clock, systemClock } from './clock.ts';
export { readConfiguration } from './configuration.ts';
export { type ErrorCode, errorCatalogue, messageOf, UserError } from './errors/index.ts';
export { onReach, reach } from './hooks.ts';
export { isId, newId } from './ids.ts';
export { createLogger, type Logger, silentLogger } from './logging.ts';
export { randomByte } from './random.ts';
export { redact } from './redact.ts';
export { version } from './version.ts';
