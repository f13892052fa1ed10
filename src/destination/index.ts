export { connectToDestination } from './connect.ts';
export { checkConnectionString } from './connection-string.ts';
