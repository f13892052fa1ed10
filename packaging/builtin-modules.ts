import type { Plugin } from 'rolldown';

const IMPORT = /^import (?:([\w$]+)|\{(.+)\}) from "(node:[^"]+)";$/gm;
const HTTP2 = '\0node:http2';

/**
 * Takes modules of Node.js without importing them. An import reads all exports of a module, and some of them load parts that a start doesn't
 * need: the client for `fetch` and `WebSocket`, the web's cryptography, standard input. Fastify requires `node:http2`, which loads 26 modules,
 * for a kind of server that Linkspan doesn't have.
 */
export const builtinModules: Plugin = {
  name: 'builtin-modules',
  resolveId: (specifier) => (specifier === 'node:http2' ? HTTP2 : null),
  load: (id) =>
    id === HTTP2
      ? `module.exports = new Proxy({}, { get: (_, name) => process.getBuiltinModule('node:http2')[name] });`
      : null,
  generateBundle(_options, bundle) {
    for (const part of Object.values(bundle)) {
      // The launchers in JavaScript must also load on a Node.js that is too old, which doesn't have the function.
      if (part.type !== 'chunk' || part.facadeModuleId?.endsWith('.js')) continue;
      part.code = part.code.replace(IMPORT, (_import, whole?: string, names?: string, id?: string) => {
        const taken = whole ?? `{${names?.replaceAll(' as ', ': ')}}`;
        // A file may have its own `process`, which is not set yet.
        return `const ${taken} = globalThis.process.getBuiltinModule("${id}");`;
      });
    }
  },
};
