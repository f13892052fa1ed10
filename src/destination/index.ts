export { checkConnectionString } from './connection-string.ts';
