import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { findPython, runClient, skipReason } from '../atlas-api/foreign-clients.ts';
import { parsedBy } from './command-line.ts';
import { MANIFESTS, readManifests, readPod } from './manifests.ts';

const WITH_POD = ['agent.yaml', 'apply-job.yaml', 'serve.yaml', 'sync-job.yaml'] as const;

/** Kubernetes's own schemas, without unknown fields. */
const validator = await findPython(['kubernetes-validate==1.37.0']);
const VALIDATE = `
import json, sys, kubernetes_validate
try:
    kubernetes_validate.validate(json.loads(sys.argv[1]), sys.argv[2], strict=True)
    print('valid')
except kubernetes_validate.ValidationError as error:
    print(error.message)
`;
const validate = async (manifest: unknown, version: string) =>
  (await runClient(validator, VALIDATE, JSON.stringify(manifest), version)).trim();

for (const version of ['1.30', '1.37'])
  test(`Kubernetes ${version} has every field of the manifests, and an unknown one is noticed`, {
    skip: skipReason(validator),
  }, async () => {
    const manifests = MANIFESTS.flatMap(readManifests);
    assert.equal(manifests.length, 11);
    const outcomes = await Promise.all(manifests.map((manifest) => validate(manifest, version)));
    assert.deepEqual(new Set(outcomes), new Set(['valid']));
    const [job] = readManifests('sync-job.yaml');
    assert.match(await validate({ ...job, spec: { ...job?.spec, retries: 3 } }, version), /retries/);
  });

for (const file of WITH_POD)
  test(`the pod of ${file} fits the restricted Pod Security Standard, has a read-only root and limits`, () => {
    const { spec } = readPod(file);
    const { fsGroupChangePolicy, ...context } = spec.securityContext;
    assert.deepEqual(context, {
      runAsNonRoot: true,
      runAsUser: 65532,
      runAsGroup: 65532,
      fsGroup: 65532,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    assert.deepEqual([spec.automountServiceAccountToken, spec.enableServiceLinks], [false, false]);
    const [container] = spec.containers;
    assert.deepEqual(container.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    assert.match(JSON.stringify(container.resources), /"requests":\{"cpu":"\w+","memory":"\w+"\},"limits":\{"memory"/);
    // Kubernetes makes files of a volume readable by its group when the volume's own folder isn't as it left it.
    const hasData = spec.volumes.some(({ persistentVolumeClaim }) => persistentVolumeClaim !== undefined);
    assert.equal(fsGroupChangePolicy, hasData ? 'OnRootMismatch' : undefined);
    for (const { secret } of spec.volumes) assert.equal(secret?.defaultMode ?? 0o440, 0o440);
  });

for (const file of WITH_POD)
  test(`linkspan accepts the arguments and variables of ${file}, and its ports, probes and volumes exist`, () => {
    const { spec } = readPod(file);
    const [container] = spec.containers;
    const [name = '', ...args] = container.args;
    const variables = Object.fromEntries((container.env ?? []).map((each) => [each.name, each.value]));
    const options = parsedBy(name, args, variables);
    const ports = new Map((container.ports ?? []).map((port) => [port.name, port.containerPort]));
    for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe]) {
      if (probe === undefined) continue;
      assert.match(probe.httpGet.path, /^\/(healthz|readyz)$/);
      assert.equal(options.metricsListen, `0.0.0.0:${ports.get(probe.httpGet.port)}`);
    }
    if (options.listen !== undefined) assert.equal(options.listen, `0.0.0.0:${ports.get('https')}`);
    const mounted = container.volumeMounts.map((mount) => mount.name);
    assert.deepEqual(mounted.sort(), spec.volumes.map((volume) => volume.name).sort());
    const files = [...Object.values(options), ...Object.values(variables)].filter(
      (value) => typeof value === 'string' && value.startsWith('/run/secrets/'),
    );
    assert.ok(files.length > 0);
    for (const path of files)
      assert.ok(
        container.volumeMounts.some(({ mountPath }) => String(path).startsWith(`${mountPath}/`)),
        String(path),
      );
  });

test('the agent keeps its data below the folder of its volume', () => {
  const [configuration] = readManifests('agent.yaml');
  const { dataDir } = parse(configuration?.data?.['agent.yaml'] ?? '');
  assert.equal(dataDir, '/var/lib/linkspan/data');
});

test('the policies and services select pods of the manifests', () => {
  const selectors = [...readManifests('network-policy.yaml'), ...readManifests('serve.yaml')].flatMap(
    ({ kind, spec }) => {
      if (kind === 'NetworkPolicy') return [spec.podSelector.matchLabels];
      return kind === 'Service' ? [spec.selector] : [];
    },
  );
  assert.equal(selectors.length, 3);
  const pods = WITH_POD.map((file) => readPod(file).metadata.labels);
  for (const selector of selectors)
    assert.ok(
      pods.some((labels) => Object.entries(selector).every(([name, value]) => labels[name] === value)),
      JSON.stringify(selector),
    );
});

test('docs/get-started/containers.md makes each secret that the manifests mount, with the files that they read', () => {
  const page = readFileSync(new URL('../../docs/get-started/containers.md', import.meta.url), 'utf8');
  const made = [...page.matchAll(/^kubectl create secret (tls|generic) (\S+) (.*)$/gm)].map(
    ([, type, name, rest = '']) => {
      const files = [...rest.matchAll(/--from-file=(\S+)/g)].map(([, file = '']) => file);
      return [name, type === 'tls' ? ['tls.crt', 'tls.key'] : files.sort()] as const;
    },
  );
  const read = new Map<string, Set<string>>();
  for (const file of WITH_POD) {
    const text = JSON.stringify(readManifests(file));
    const { containers, volumes } = readPod(file).spec;
    for (const { name, mountPath } of containers[0].volumeMounts) {
      const secret = volumes.find((volume) => volume.name === name)?.secret?.secretName;
      if (secret === undefined) continue;
      const paths = text.matchAll(new RegExp(`${mountPath}/([\\w.-]+)`, 'g'));
      read.set(secret, new Set([...(read.get(secret) ?? []), ...[...paths].map(([, path = '']) => path)]));
    }
  }
  assert.deepEqual(new Map(made), new Map([...read].map(([name, files]) => [name, [...files].sort()])));
});
