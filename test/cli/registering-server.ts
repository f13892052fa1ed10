import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type AtlasAnswer, AtlasClient } from '../support/atlas-client.ts';
import { type LinkspanProcess, runLinkspan } from '../support/linkspan-process.ts';
import { statusOf } from '../support/process-status.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ORG_ID = 'ab'.repeat(12);
const CREDENTIALS = ['testerkey', 'a-private-key-of-the-test'] as const;

/** Deadline for a registration, during which the server may wait for an unreachable destination. */
const TIMEOUT_MS = 90_000;

/** A new organization with a project. */
export interface Tenant {
  /** Registers a destination in the project. */
  readonly register: (name: string, uri: string) => Promise<AtlasAnswer<Record<string, unknown>>>;
}

/** A `linkspan serve` process for tests that register destinations. */
export class RegisteringServer implements AsyncDisposable {
  readonly process: LinkspanProcess;
  readonly masterKeyFile: string;
  readonly #folder: Disposable;
  readonly #url: string;
  readonly #client: AtlasClient;

  private constructor(process: LinkspanProcess, folder: Disposable, url: string, masterKeyFile: string) {
    this.process = process;
    this.#folder = folder;
    this.#url = url;
    this.#client = new AtlasClient(url, ...CREDENTIALS, TIMEOUT_MS);
    this.masterKeyFile = masterKeyFile;
  }

  static async start(
    more: { readonly args?: readonly string[]; readonly env?: Readonly<Record<string, string>> } = {},
  ): Promise<RegisteringServer> {
    const folder = temporaryFolder('registering');
    const data = join(folder.path, 'data');
    const args = ['serve', '--listen', '127.0.0.1:0', '--data-dir', data, '--rate-limits', 'off', ...(more.args ?? [])];
    const env = {
      LINKSPAN_BOOTSTRAP_ORG_ID: ORG_ID,
      LINKSPAN_BOOTSTRAP_PUBLIC_KEY: CREDENTIALS[0],
      LINKSPAN_BOOTSTRAP_PRIVATE_KEY: CREDENTIALS[1],
      ...more.env,
    };
    const process = runLinkspan(args, { env });
    const [, url = ''] = await process.waitForLine(/^linkspan serve: ready at (\S+), data in /);
    return new RegisteringServer(process, folder, url, join(data, 'master.key'));
  }

  /** Creates an organization with its own key. */
  async tenant(name: string): Promise<Tenant> {
    const apiKey = { desc: name, roles: ['ORG_OWNER'] };
    const made = await this.#client.send('POST', '/orgs', { name, apiKey });
    const key = made.body.apiKey as { publicKey: string; privateKey: string };
    const { id: orgId } = made.body.organization as { id: string };
    const client = new AtlasClient(this.#url, key.publicKey, key.privateKey, TIMEOUT_MS);
    const group = await client.send('POST', '/groups', { name, orgId });
    return {
      register: (clusterName, standard) =>
        client.request('POST', `/groups/${group.body.id}/clusters`, {
          name: clusterName,
          connectionStrings: { standard },
        }),
    };
  }

  /** Creates and deletes a project: requests that read and write the store. */
  async works(): Promise<void> {
    const group = await this.#client.send('POST', '/groups', { name: `p${Math.random()}`, orgId: ORG_ID });
    assert.equal((await this.#client.send('DELETE', `/groups/${group.body.id}`)).status, 202);
  }

  /** Peak memory of the server process, in bytes. */
  mostMemory(): number {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(statusOf(this.process.pid))?.[1]) * 1024;
  }

  /** Number of open descriptors of the server process, without incoming connections. */
  descriptors(): number {
    const folder = `/proc/${this.process.pid}/fd`;
    const before = this.#accepted();
    const open = readdirSync(folder).flatMap((name) => {
      try {
        return [readlinkSync(join(folder, name))];
      } catch {
        return [];
      }
    });
    const accepted = new Set([...before, ...this.#accepted()]);
    return open.filter((target) => !accepted.has(target)).length;
  }

  #accepted(): string[] {
    const port = Number(new URL(this.#url).port).toString(16).toUpperCase().padStart(4, '0');
    const connections = readFileSync(`/proc/${this.process.pid}/net/tcp`, 'utf8').split('\n').slice(1);
    return connections
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local]) => local?.endsWith(`:${port}`))
      .map((fields) => `socket:[${fields[9]}]`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}
