import type { Plugin } from 'rolldown';

const TAKEN = '\0node:http';

/**
 * Takes `node:http` without importing it. An import reads all exports of the module, and some of them load the client for `fetch` and
 * `WebSocket`: 20 ms of processor time at each start, of 290 for `linkspan serve`.
 */
export const nodeHttp: Plugin = {
  name: 'node-http',
  resolveId: (specifier, _importer, { kind }) =>
    specifier === 'node:http' && kind === 'import-statement' ? { id: TAKEN, moduleSideEffects: false } : null,
  load: (id) =>
    id === TAKEN
      ? `const http = process.getBuiltinModule('node:http');
         export default http;
         export const { createServer, request, STATUS_CODES } = http;`
      : null,
};
