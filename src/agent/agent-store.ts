import type { KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { loadSigningKey, newSigningKey } from '../link/index.ts';
import { fullDisk, messageOf, UserError, writeDurably } from '../platform/index.ts';

const linkFile = z.object({
  /** Version of the file's format. */
  version: z.literal(1),
  serverUrl: z.string(),
  /** Pin of the control plane's certificate; without it the agent trusts the CAs of its machine. */
  keyPin: z.string().optional(),
  /** Public keys of the control plane, the newest first. */
  serverKeys: z.array(z.string()).min(1).readonly(),
  /** Public id of the redeemed link-token. The agent ignores the same token when it is given again. */
  tokenId: z.string(),
  agentId: z.string(),
  linkId: z.string(),
  orgId: z.string(),
});

const endedFile = z.object({ link: linkFile, key: z.string() });

/** The agent's link. Its secret, the key, is in a separate file. */
export type StoredLink = Omit<z.infer<typeof linkFile>, 'version'>;

/** The agent's data directory: its Ed25519 key and its link, readable by its own user only. */
export class AgentStore {
  readonly #directory: string;

  /** @throws UserError AGENT_DATA_UNUSABLE, DISK_FULL */
  constructor(directory: string) {
    this.#directory = directory;
    this.#use(() => mkdirSync(directory, { recursive: true, mode: 0o700 }));
  }

  /** Opens the store of an existing directory; undefined if there is none. Creates nothing. */
  static existing(directory: string): AgentStore | undefined {
    return existsSync(directory) ? new AgentStore(directory) : undefined;
  }

  /**
   * The agent's key. The first call creates it. Invariant: the key is durable before it is used, so that an agent that is killed right after
   * redeeming its link-token still has the key of the link.
   * @throws UserError AGENT_DATA_UNUSABLE, DISK_FULL, AGENT_KEY_EXPOSED
   */
  key(): KeyObject {
    const file = this.#keyFile;
    return this.#use(() => {
      const stored = readIfThere(file);
      if (stored !== undefined) {
        refuseExposed(file);
        return loadSigningKey(stored);
      }
      const pem = newSigningKey();
      writeDurably(file, pem);
      return loadSigningKey(pem);
    });
  }

  /** The link; undefined if there is none or if its key is missing. @throws UserError AGENT_DATA_UNUSABLE, DISK_FULL */
  link(): StoredLink | undefined {
    return this.#use(() => {
      if (!existsSync(this.#keyFile)) return undefined;
      const stored = readIfThere(join(this.#directory, 'link.json'));
      return stored === undefined ? undefined : linkFile.parse(JSON.parse(stored));
    });
  }

  /** Stores the link. It is durable on return. @throws UserError AGENT_DATA_UNUSABLE, DISK_FULL */
  saveLink(link: StoredLink): void {
    const text = JSON.stringify({ version: 1, ...link }, null, 2);
    this.#use(() => writeDurably(join(this.#directory, 'link.json'), `${text}\n`));
  }

  /** Deletes the link and its key. With the key, redeeming the same token again would restore the link. @throws UserError AGENT_DATA_UNUSABLE, DISK_FULL */
  forgetLink(): void {
    this.#use(() => {
      for (const file of [this.#keyFile, join(this.#directory, 'link.json')]) rmSync(file, { force: true });
    });
  }

  /**
   * Ends the link on this side. Keeps its key until the control plane has been notified; only the key of the last ended link is kept.
   * @param linkId  the link to end; another one stays
   * @throws UserError AGENT_DATA_UNUSABLE, DISK_FULL
   */
  retireLink(linkId: string): void {
    const link = this.link();
    if (link?.linkId !== linkId) return;
    const content = { link: { version: 1, ...link }, key: this.#use(() => readFileSync(this.#keyFile, 'utf8')) };
    this.#use(() => writeDurably(this.#endedFile, `${JSON.stringify(content)}\n`));
    this.forgetLink();
  }

  /**
   * The ended link that the control plane may not know about; undefined if there is none. If the link file has the same agent, a crash left it, and
   * this deletes it.
   */
  endedLink(): { readonly link: StoredLink; readonly key: KeyObject } | undefined {
    return this.#use(() => {
      const stored = readIfThere(this.#endedFile);
      if (stored === undefined) return undefined;
      refuseExposed(this.#endedFile);
      const { link, key } = endedFile.parse(JSON.parse(stored));
      if (this.link()?.agentId === link.agentId) this.forgetLink();
      return { link, key: loadSigningKey(key) };
    });
  }

  /** Deletes the ended link. @param agentId  agent of that link; a link that ended meanwhile stays */
  forgetEndedLink(agentId: string): void {
    if (this.endedLink()?.link.agentId !== agentId) return;
    this.#use(() => rmSync(this.#endedFile, { force: true }));
  }

  get #endedFile(): string {
    return join(this.#directory, 'ended-link.json');
  }

  get #keyFile(): string {
    return join(this.#directory, 'agent.key');
  }

  #use<Result>(act: () => Result): Result {
    try {
      return act();
    } catch (error) {
      if (error instanceof UserError) throw error;
      const data = [this.#directory, messageOf(error)];
      throw fullDisk(this.#directory, error) ?? new UserError('AGENT_DATA_UNUSABLE', data, { cause: error });
    }
  }
}

/** Refuses a key file that other users can read, because they may have the key already. */
function refuseExposed(file: string): void {
  const mode = statSync(file).mode & 0o777;
  if ((mode & 0o077) !== 0) throw new UserError('AGENT_KEY_EXPOSED', [file, mode.toString(8)]);
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
