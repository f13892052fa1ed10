import { API, send } from './client.ts';
import { readList } from './lists.ts';
import { mayAct, organizationId } from './session.ts';
import type { AgentLink, Organization, SourceProject } from './types.ts';

/** The links of the organization, and what their agents can migrate. */
export interface ListedAgents {
  /** The name of the organization. */
  readonly organization: string;
  readonly links: readonly AgentLink[];
  /** Empty for sessions that may not start migrations. */
  readonly sources: readonly SourceProject[];
}

/** Lists links and sources. @throws ApiProblem */
export async function listAgents(signal: AbortSignal): Promise<ListedAgents> {
  const path = `/orgs/${organizationId()}`;
  const [{ name }, links, sources] = await Promise.all([
    send<Organization>('GET', API + path, { signal }),
    readList<AgentLink>(`${path}/liveMigrations/links`, signal),
    listSources(signal),
  ]);
  return { organization: name, links, sources };
}

/** Lists the clusters that agents can migrate; none for sessions that may not start migrations. @throws ApiProblem */
export async function listSources(signal: AbortSignal): Promise<readonly SourceProject[]> {
  if (!mayAct()) return [];
  const path = `/orgs/${organizationId()}/liveMigrations/availableProjects`;
  return await send<SourceProject[]>('GET', API + path, { signal });
}
