import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

interface Package {
  readonly name: string;
  readonly SPDXID: string;
  readonly versionInfo: string;
  readonly packageFileName?: string;
}

interface Relationship {
  readonly spdxElementId: string;
  readonly relatedSpdxElement: string;
  readonly relationshipType: string;
}

/** The part of an SPDX document that this module reads and changes. */
interface Sbom {
  readonly name: string;
  readonly documentNamespace: string;
  readonly creationInfo: object;
  readonly documentDescribes: readonly [string];
  readonly packages: readonly Package[];
  readonly relationships: readonly Relationship[];
}

/**
 * Writes `sbom.spdx.json` into a program tree: an SPDX document of all that the tree contains. These are the packages below its `node_modules`, those that
 * the build made part of program and console (their `licenses.txt`), and Node.js. Reads `package-lock.json`, so it needs no network.
 * @param builtAt  the time of the document, in seconds since the epoch
 */
export async function writeSbom(checkout: string, tree: string, builtAt: number): Promise<void> {
  // Without these, npm leaves packages out where NODE_ENV is `production`.
  const all = ['--include=dev', '--include=optional'];
  const flags = ['--sbom-format=spdx', '--package-lock-only', ...all];
  const { stdout } = await run('npm', ['sbom', ...flags], { cwd: checkout, maxBuffer: 64 * 1024 * 1024 });
  const whole: Sbom = JSON.parse(stdout);
  const [root] = whole.documentDescribes;
  const bundled = new Set(['program', 'console'].flatMap((part) => bundledIn(join(tree, 'dist', part))));
  const isBundled = ({ name, versionInfo }: Package) => bundled.has(`${name} ${versionInfo}`);
  const isInstalled = ({ packageFileName }: Package) =>
    packageFileName !== undefined && packageFileName !== '' && existsSync(join(tree, packageFileName));
  const kept = whole.packages.filter((each) => each.SPDXID === root || isBundled(each) || isInstalled(each));
  const node = nodeOf(kept);
  const packages = [...kept, node];
  const ids = new Set(['SPDXRef-DOCUMENT', ...packages.map(({ SPDXID }) => SPDXID)]);
  const relationships = [
    ...whole.relationships.filter((each) => ids.has(each.spdxElementId) && ids.has(each.relatedSpdxElement)),
    ...[...kept.filter(isBundled), node].map(({ SPDXID }) => contains(root, SPDXID)),
  ];
  // npm makes up a number for each document; the same commit gives the same bytes.
  const digest = createHash('sha256')
    .update(JSON.stringify([packages, relationships]))
    .digest('hex');
  const document = {
    ...whole,
    documentNamespace: `https://spdx.org/spdxdocs/${whole.name.replace('@', '-')}-${digest}`,
    creationInfo: { ...whole.creationInfo, created: new Date(builtAt * 1000).toISOString().replace('.000Z', 'Z') },
    packages,
    relationships,
  };
  writeFileSync(join(tree, 'sbom.spdx.json'), `${JSON.stringify(document, null, 1)}\n`);
}

/** Returns what `licenses.txt` of a build names: `commander 15.1.0`. */
function bundledIn(folder: string): string[] {
  const text = readFileSync(join(folder, 'licenses.txt'), 'utf8');
  return [...text.matchAll(/^(\S+ \d\S*) \([^)]+\)$/gm)].map(([, found = '']) => found);
}

/** Node.js itself, because scanners don't know that a package of npm contains it. */
function nodeOf(packages: readonly Package[]): Package {
  const version = packages.find(({ name }) => name.startsWith('node-linux-'))?.versionInfo;
  if (version === undefined) throw new Error('there is no Node.js in the program tree');
  const reference = (category: string, type: string, locator: string) => ({
    referenceCategory: category,
    referenceType: type,
    referenceLocator: locator,
  });
  return Object.assign(
    { name: 'node', SPDXID: `SPDXRef-Package-node-${version}`, versionInfo: version },
    {
      downloadLocation: 'NOASSERTION',
      filesAnalyzed: false,
      licenseDeclared: 'MIT',
      externalRefs: [
        reference('PACKAGE-MANAGER', 'purl', `pkg:generic/node@${version}`),
        reference('SECURITY', 'cpe23Type', `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`),
      ],
    },
  );
}

function contains(outer: string, inner: string): Relationship {
  return { spdxElementId: outer, relatedSpdxElement: inner, relationshipType: 'CONTAINS' };
}
