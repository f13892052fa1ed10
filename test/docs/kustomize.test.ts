import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { findPython, runClient, skipReason } from '../atlas-api/foreign-clients.ts';
import { KUBERNETES, MANIFESTS, type Manifest, manifestsOf } from './manifests.ts';

interface Kustomization {
  readonly resources: readonly string[];
  readonly patches?: readonly { readonly path?: string; readonly target?: object }[];
}

const FILES = globSync('**/kustomization.yaml', { cwd: KUBERNETES }).map((path) => join(KUBERNETES, path));
const read = (file: string): Kustomization => parse(readFileSync(file, 'utf8'));
const noKubectl = spawnSync('kubectl', ['version', '--client']).error !== undefined && 'kubectl is not installed';
const validator = await findPython(['kubernetes-validate==1.37.0']);
const VALIDATE = `
import json, sys, kubernetes_validate
for manifest in json.loads(sys.argv[1]):
    kubernetes_validate.validate(manifest, '1.37', strict=True)
`;

const outputs = new Map<string, string>();

/** Returns the objects of a base or overlay, as kubectl would apply them. */
function built(folder: string): Manifest[] {
  const text =
    outputs.get(folder) ?? execFileSync('kubectl', ['kustomize', join(KUBERNETES, folder)], { encoding: 'utf8' });
  outputs.set(folder, text);
  return manifestsOf(text);
}

test('each kustomization names files that exist, and each manifest belongs to one base', () => {
  const named = FILES.flatMap((file) =>
    [...read(file).resources, ...(read(file).patches ?? []).flatMap(({ path }) => path ?? [])].map((path) =>
      join(dirname(file), path),
    ),
  );
  for (const path of named) {
    const isBase = existsSync(path) && statSync(path).isDirectory();
    assert.ok(existsSync(isBase ? join(path, 'kustomization.yaml') : path), path);
  }
  const manifests = named.filter((path) => MANIFESTS.some((name) => path.endsWith(`/${name}`)));
  assert.deepEqual(manifests.map((path) => path.split('/').at(-1)).sort(), [...MANIFESTS]);
  const used = named.map((path) => relative(KUBERNETES, path));
  for (const base of ['base/serve', 'base/agent', 'base/network-policy']) assert.ok(used.includes(base), base);
});

test('kubectl builds every base and overlay, and Kubernetes has every field', {
  skip: noKubectl || skipReason(validator),
}, async () => {
  const all = FILES.flatMap((file) => {
    const folder = relative(KUBERNETES, dirname(file));
    const objects = built(folder);
    assert.ok(objects.length > 0, folder);
    return objects;
  });
  await runClient(validator, VALIDATE, JSON.stringify(all));
});

test('the overlay of a control plane changes image, namespace, address and volume, and nothing else', {
  skip: noKubectl,
}, () => {
  const [base, overlay] = [[...built('base/serve'), ...built('base/network-policy')], built('overlays/control-plane')];
  const changed = JSON.stringify(overlay)
    .replaceAll('registry.example.com/tools/linkspan', 'registry.example/linkspan')
    .replaceAll('https://linkspan.example.com', 'https://linkspan:8443')
    .replaceAll('"storage":"10Gi"', '"storage":"2Gi"')
    .replaceAll(',"namespace":"linkspan"', '');
  const byName = ({ kind, metadata }: Manifest) => `${kind} ${metadata.name}`;
  const sorted = (all: readonly Manifest[]) => all.toSorted((a, b) => (byName(a) < byName(b) ? -1 : 1));
  assert.deepEqual(sorted(JSON.parse(changed)), sorted(base));
  assert.ok(overlay.every(({ metadata }) => metadata.namespace === 'linkspan'));
});

test('the two agents of an overlay share no host, volume, configuration, secret or pod', { skip: noKubectl }, () => {
  const objects = built('overlays/agents');
  const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  assert.equal(new Set(names).size, names.length);
  const deployments = objects.filter(({ kind }) => kind === 'Deployment');
  const parts = deployments.map(({ spec }) => {
    const [data, configuration, secrets] = spec.template.spec.volumes;
    const map = objects.find(
      ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === configuration.configMap.name,
    );
    const { host } = parse(map?.data?.['agent.yaml'] ?? '');
    assert.ok(names.includes(`PersistentVolumeClaim ${data.persistentVolumeClaim.claimName}`));
    assert.deepEqual(spec.template.metadata.labels, spec.selector.matchLabels);
    return [host, data.persistentVolumeClaim.claimName, secrets.secret.secretName, JSON.stringify(spec.selector)];
  });
  assert.equal(parts.length, 2);
  parts[0]?.forEach((part, at) => {
    assert.ok(part);
    assert.notEqual(part, parts[1]?.[at]);
  });
});
