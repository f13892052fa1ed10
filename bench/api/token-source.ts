import { AtlasClient } from '../../test/support/atlas-client.ts';

/** Link-tokens of one organization, as many as it may have linked agents (`AGENT_LIMIT`). */
const TOKENS_OF_ORGANIZATION = 200;

interface MadeOrganization {
  readonly organization: { readonly id: string };
  readonly apiKey: { readonly publicKey: string; readonly privateKey: string };
}

/** Creates unused link-tokens, and an organization for each 200 of them. */
export class TokenSource {
  readonly #url: string;
  readonly #owner: AtlasClient;
  #organization: Promise<{ readonly id: string; readonly client: AtlasClient }> | undefined;
  #created = 0;

  /** @param owner  client of an owner of an organization, which creates the others */
  constructor(url: string, owner: AtlasClient) {
    this.#url = url;
    this.#owner = owner;
  }

  async next(): Promise<string> {
    if (this.#created % TOKENS_OF_ORGANIZATION === 0) this.#organization = this.#create();
    this.#created += 1;
    const { id, client } = await (this.#organization ?? this.#create());
    return (await client.send<{ linkToken: string }>('POST', `/orgs/${id}/liveMigrations/linkTokens`, {})).body
      .linkToken;
  }

  async #create() {
    const request = { name: 'agents', apiKey: { desc: 'creates link-tokens', roles: ['ORG_OWNER'] } };
    const { organization, apiKey } = (await this.#owner.send<MadeOrganization>('POST', '/orgs', request)).body;
    return { id: organization.id, client: new AtlasClient(this.#url, apiKey.publicKey, apiKey.privateKey) };
  }
}
