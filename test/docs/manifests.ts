import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

/** The bases and overlays of kustomize. */
export const KUBERNETES = fileURLToPath(new URL('../../deploy/kubernetes/', import.meta.url));

/** The manifests of deploy/kubernetes/base, by the names of their files. */
const PATHS = new Map(
  globSync('base/*/*.yaml', { cwd: KUBERNETES })
    .filter((path) => basename(path) !== 'kustomization.yaml')
    .map((path) => [basename(path), join(KUBERNETES, path)]),
);

/** Names of the files of deploy/kubernetes/base. */
export const MANIFESTS: readonly string[] = [...PATHS.keys()].sort();

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

/** A volume of a pod. */
export interface Volume {
  readonly name: string;
  readonly secret?: { readonly secretName: string; readonly defaultMode: number };
  readonly configMap?: { readonly name: string };
  readonly persistentVolumeClaim?: { readonly claimName: string };
}

/** A container of a pod. */
export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly resources: object;
  readonly securityContext: object;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
}

/** The template of a pod. */
export interface Pod {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: {
    readonly enableServiceLinks: boolean;
    readonly automountServiceAccountToken: boolean;
    readonly securityContext: Readonly<Record<string, unknown>>;
    readonly containers: readonly [Container];
    readonly volumes: readonly Volume[];
  };
}

/** An object of a manifest. */
export interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly data?: Readonly<Record<string, string>>;
  // biome-ignore lint/suspicious/noExplicitAny: differs by kind
  readonly spec?: any;
}

/** Returns the objects of a file of deploy/kubernetes/base. */
export function readManifests(file: string): Manifest[] {
  return manifestsOf(readFileSync(PATHS.get(file) ?? file, 'utf8'));
}

/** Returns the objects of a YAML text. */
export function manifestsOf(text: string): Manifest[] {
  // Kubernetes reads YAML 1.1, where 0440 is octal.
  const documents = parseAllDocuments(text, { version: '1.1' });
  return documents.map((document) => {
    // A key that stands twice, for one: Kubernetes refuses it.
    if (document.errors.length > 0) throw document.errors[0];
    return document.toJS();
  });
}

/** Returns the pod of a file of deploy/kubernetes/base. @throws Error when it has none */
export function readPod(file: string): Pod {
  const found = readManifests(file).find(({ kind }) => kind === 'Deployment' || kind === 'Job');
  if (!found) throw new Error(`${file} has no pod`);
  return found.spec.template;
}
