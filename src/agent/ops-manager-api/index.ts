export { openOpsManagerApi } from './server.ts';
