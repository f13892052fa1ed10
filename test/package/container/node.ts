import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readManifests, readPod, type Volume } from '../../docs/manifests.ts';
import { freePort } from '../../support/mongod-process.ts';
import { IMAGE } from './image.ts';
import type { Podman } from './podman.ts';

/** Permissions of a volume's own folder after Kubernetes gave it to a group. */
const GROUP_FOLDER = 0o2775;

/** Runs the pods of deploy/kubernetes as a node of Kubernetes does, as far as Linkspan can notice: on the network of this machine, and on free ports. */
export class KubernetesNode {
  readonly #podman: Podman;
  readonly #folder: string;
  readonly #secrets: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly #ports = new Map<string, number>();

  /**
   * @param folder   an empty folder for volumes
   * @param secrets  by name; each has files with their contents
   */
  constructor(podman: Podman, folder: string, secrets: Readonly<Record<string, Readonly<Record<string, string>>>>) {
    this.#podman = podman;
    this.#folder = folder;
    this.#secrets = secrets;
  }

  /** Creates the container of a manifest's pod, and starts it. */
  async start(file: string): Promise<void> {
    const { spec } = readPod(file);
    const [container] = spec.containers;
    for (const { name, containerPort } of container.ports ?? [])
      if (!this.#ports.has(`${file} ${name}`)) {
        const port = await freePort();
        this.#ports.set(`${file} ${name}`, port);
        this.#ports.set(`${file} ${containerPort}`, port);
      }
    const here = (text: string) => this.#onThisMachine(file, text);
    const { runAsUser, runAsGroup, fsGroup, fsGroupChangePolicy } = spec.securityContext;
    const mounts = container.volumeMounts.flatMap(({ name, mountPath, readOnly }) => {
      const volume = spec.volumes.find((each) => each.name === name);
      if (volume === undefined) throw new Error(`${file} has no volume ${name}`);
      const path = this.#prepare(file, volume, { group: Number(fsGroup), policy: String(fsGroupChangePolicy), here });
      return ['--volume', `${path}:${mountPath}${readOnly ? ':ro' : ''}`];
    });
    await this.#podman.do(
      ...['run', '--detach', '--replace', '--name', file, '--network', 'host', '--add-host', 'linkspan.test:127.0.0.1'],
      ...['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
      ...['--user', `${runAsUser}:${runAsGroup}`, '--group-add', String(fsGroup), ...mounts],
      ...(container.env ?? []).flatMap(({ name, value }) => ['--env', `${name}=${value}`]),
      ...[IMAGE, ...container.args.map(here)],
    );
  }

  /** Returns the port of this machine for a named port of a pod. */
  port(file: string, name: string): number {
    return this.#ports.get(`${file} ${name}`) ?? 0;
  }

  /** Whether a probe of a pod succeeds now. */
  async probe(file: string, probe: 'livenessProbe' | 'readinessProbe'): Promise<boolean> {
    const [container] = readPod(file).spec.containers;
    const { path = '', port = '' } = container[probe]?.httpGet ?? {};
    return (await fetch(`http://127.0.0.1:${this.port(file, port)}${path}`)).ok;
  }

  /** Replaces the name of the control plane by one that test certificates have, and a port at the end by that of this machine. */
  #onThisMachine(file: string, text: string): string {
    return text.replace('//linkspan:', '//linkspan.test:').replace(/:(\d{4})$/, (whole, port) => {
      const here = this.#ports.get(`${file} ${port}`);
      return here === undefined ? whole : `:${here}`;
    });
  }

  /** Prepares a volume as the kubelet does before it starts the pod. @returns its folder */
  #prepare(
    file: string,
    volume: Volume,
    {
      group,
      policy,
      here,
    }: { readonly group: number; readonly policy: string; readonly here: (text: string) => string },
  ): string {
    const folder = join(this.#folder, `${file}-${volume.name}`);
    const isNew = !existsSync(folder);
    mkdirSync(folder, { recursive: true });
    const put = (name: string, content: string, mode: number) => {
      const path = join(folder, name);
      writeFileSync(path, content, { mode });
      chownSync(path, 0, group);
      chmodSync(path, mode);
    };
    const { secret, configMap } = volume;
    if (secret !== undefined) {
      for (const [name, content] of Object.entries(this.#secrets[secret.secretName] ?? {}))
        put(name, content, secret.defaultMode);
    } else if (configMap !== undefined) {
      const found = readManifests(file).find(
        ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === configMap.name,
      );
      for (const [name, content] of Object.entries(found?.data ?? {})) put(name, here(content), 0o644);
    } else {
      const { gid, mode } = statSync(folder);
      const isAsLeft = gid === group && (mode & 0o7777) === GROUP_FOLDER;
      if (isNew || policy !== 'OnRootMismatch' || !isAsLeft) {
        execFileSync('chgrp', ['--recursive', String(group), folder]);
        execFileSync('chmod', ['--recursive', 'g+rwX', folder]);
        chmodSync(folder, GROUP_FOLDER);
      }
    }
    return folder;
  }
}
