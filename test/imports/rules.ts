/** What a module may use: other modules by name, and `types` of others, which are erased before running. */
interface Permission {
  readonly modules: readonly string[];
  readonly types?: readonly string[];
}

/** The table "may use" of docs/01-architecture.md. Every folder of src is a module and has a row; `cli` may use every module. */
export const mayUse: Readonly<Record<string, Permission>> = {
  platform: { modules: [] },
  engine: { modules: ['platform'] },
  http: { modules: ['platform'] },
  link: { modules: ['platform'], types: ['engine'] },
  control: { modules: ['platform', 'link'] },
  store: { modules: ['platform', 'control'] },
  destination: { modules: ['platform'], types: ['control'] },
  'atlas-api': { modules: ['control', 'http', 'link', 'platform'] },
  gateway: { modules: ['control', 'http', 'link', 'platform'] },
  agent: { modules: ['engine', 'link', 'http', 'platform'] },
  sync: { modules: ['engine', 'platform'] },
  cli: {
    modules: [
      'platform',
      'engine',
      'http',
      'link',
      'control',
      'store',
      'destination',
      'atlas-api',
      'gateway',
      'agent',
      'sync',
    ],
  },
};

const ENTRY = /^src\/(?:store\/)?[^/]+\/index\.ts$/;
const FROM_OUTSIDE = /^(test\/support|demo)\//;

/**
 * What is wrong with one file importing another; `undefined` when nothing is.
 * @param from path from the repository's root on
 * @param to   the same
 */
export function problemOf(from: string, to: string, typeOnly: boolean): string | undefined {
  const [user, used] = [moduleOf(from), moduleOf(to)];
  if (used === undefined) {
    return user === undefined || !/^(test|demo|bench)\//.test(to) ? undefined : 'the product needs no test code';
  }
  if (FROM_OUTSIDE.test(from)) return 'test support, and with it the comparer, judges from outside';
  if (user === undefined) return undefined;
  if (user === used) {
    const [adapter, other] = [from, to].map((path) => path.split('/')[2]);
    return user === 'store' && adapter !== other ? 'a store adapter knows no other' : undefined;
  }
  const { modules, types = [] } = mayUse[user] ?? { modules: [] };
  if (types.includes(used) && !typeOnly) return `${user} may use only types of ${used}`;
  if (!modules.includes(used) && !types.includes(used)) return `${user} may not use ${used}`;
  return ENTRY.test(to) ? undefined : 'a module is entered through its index.ts';
}

function moduleOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1];
}
