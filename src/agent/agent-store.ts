import type { KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { loadSigningKey, newSigningKey } from '../link/index.ts';
import { messageOf, UserError } from '../platform/index.ts';
import { writeDurably } from './durable-file.ts';

const linkFile = z.object({
  /** The shape of this file. */
  version: z.literal(1),
  serverUrl: z.string(),
  /** Of the certificate that the agent trusts there; absent: what its machine trusts. */
  keyPin: z.string().optional(),
  /** Public keys of the control plane, the newest first. Links of earlier versions have none. */
  serverKeys: z.array(z.string()).min(1).optional(),
  /** Public id of the link-token that was redeemed: the same token given again is no new one. */
  tokenId: z.string(),
  agentId: z.string(),
  linkId: z.string(),
  orgId: z.string(),
});

const endedFile = z.object({
  link: linkFile.extend({ serverKeys: z.array(z.string()).min(1) }),
  key: z.string(),
});

/** What the agent knows of its link. The secret that proves it is the key, in its own file. */
export type StoredLink = Omit<z.infer<typeof linkFile>, 'version' | 'serverKeys'> & {
  readonly serverKeys: readonly string[];
};

/** The agent's data directory: its Ed25519 key and its link, readable by its own user only. */
export class AgentStore {
  readonly #directory: string;

  /** @throws UserError AGENT_DATA_UNUSABLE */
  constructor(directory: string) {
    this.#directory = directory;
    this.#use(() => mkdirSync(directory, { recursive: true, mode: 0o700 }));
  }

  /** The store of a directory that is there; undefined where none is. Makes nothing. */
  static existing(directory: string): AgentStore | undefined {
    return existsSync(directory) ? new AgentStore(directory) : undefined;
  }

  /**
   * The agent's key, made at the first call. It is durable before it is used: an agent that is killed right after redeeming its link-token
   * finds the key again, and with it the link.
   * @throws UserError AGENT_DATA_UNUSABLE, AGENT_KEY_EXPOSED
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

  /** The link, or undefined before there is one; without its key a link is none. @throws UserError AGENT_DATA_UNUSABLE, LINK_OUTDATED */
  link(): StoredLink | undefined {
    return this.#use(() => {
      if (!existsSync(this.#keyFile)) return undefined;
      const stored = readIfThere(join(this.#directory, 'link.json'));
      if (stored === undefined) return undefined;
      const { serverKeys, ...link } = linkFile.parse(JSON.parse(stored));
      if (serverKeys === undefined) throw new UserError('LINK_OUTDATED', [this.#directory]);
      return { ...link, serverKeys };
    });
  }

  /** Durable when it returns. @throws UserError AGENT_DATA_UNUSABLE */
  saveLink(link: StoredLink): void {
    const content: z.infer<typeof linkFile> = { version: 1, ...link, serverKeys: [...link.serverKeys] };
    const text = JSON.stringify(content, null, 2);
    this.#use(() => writeDurably(join(this.#directory, 'link.json'), `${text}\n`));
  }

  /** Forgets the link and its key: with the key, the token that made the link would make it again. @throws UserError AGENT_DATA_UNUSABLE */
  forgetLink(): void {
    this.#use(() => {
      for (const file of [this.#keyFile, join(this.#directory, 'link.json')]) rmSync(file, { force: true });
    });
  }

  /**
   * Ends the link here: it is none any more from when this returns, and its key is kept apart until the control plane was told. Of several that it was not
   * told of only the last is kept. @throws UserError AGENT_DATA_UNUSABLE
   */
  retireLink(): void {
    const link = this.link();
    if (!link) return;
    const content = { link: { version: 1, ...link }, key: this.#use(() => readFileSync(this.#keyFile, 'utf8')) };
    this.#use(() => writeDurably(this.#endedFile, `${JSON.stringify(content)}\n`));
    this.forgetLink();
  }

  /** A link that has ended here and that the control plane may not have been told of. A link file with the same agent is one that a crash left. */
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

  /** @param agentId  of the link: one that was ended meanwhile is kept */
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
      throw new UserError('AGENT_DATA_UNUSABLE', [this.#directory, messageOf(error)], { cause: error });
    }
  }
}

/** Whoever else could read the key may have it already. */
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
