import type { ClusterAddress } from '../engine/index.ts';
import type { Assignment } from '../link/index.ts';
import { UserError } from '../platform/index.ts';
import type { AgentConfiguration, SourceDeployment } from './configuration.ts';
import { splitConnectionString } from './connection-string.ts';

/**
 * How to reach the source of an assignment: always a deployment of this agent's own configuration, never an address that came over the
 * link; of the assignment come only credentials and that TLS is used. It names no file of this machine: a CA file is the configuration's.
 * @throws UserError SOURCE_NOT_CONFIGURED, SOURCE_CA_NOT_CONFIGURED
 */
export function sourceAddress(configuration: AgentConfiguration, source: Assignment['source']): ClusterAddress {
  const deployment = configuration.projects
    .find(({ id }) => id === source.projectId)
    ?.deployments.find(({ name }) => name === source.clusterName);
  if (!deployment) throw new UserError('SOURCE_NOT_CONFIGURED', [source.clusterName, source.projectId]);
  const { tlsCaFile } = deployment;
  const { caCertificatePath: asked } = source;
  // Whether the file exists is not looked at, or whoever orders could find out which files there are.
  if (asked && asked !== tlsCaFile) throw new UserError('SOURCE_CA_NOT_CONFIGURED', [asked, source.clusterName]);
  const uri = withTls(withCredentials(deployment.uri, source.username, source.password), source.ssl);
  return { uri, tlsCaFile };
}

/** How to reach a deployment with the configuration's own credentials. */
export function deploymentAddress({ uri, tlsCaFile }: SourceDeployment): ClusterAddress {
  return { uri, tlsCaFile };
}

/** Puts other credentials into a connection string; they are of a user of `admin`, where Atlas's users are. */
function withCredentials(uri: string, username: string | undefined, password: string | undefined): string {
  if (username === undefined) return uri;
  const { scheme, hosts, path, query } = splitConnectionString(uri);
  // What belonged to the user that is replaced.
  query.delete('authMechanism');
  query.delete('authMechanismProperties');
  query.set('authSource', 'admin');
  const credentials = `${encodeURIComponent(username)}:${encodeURIComponent(password ?? '')}`;
  return `${scheme}${credentials}@${hosts}${path}?${query}`;
}

/** `ssl` can only add TLS: an operator's own connection string is never weakened from afar. */
function withTls(uri: string, ssl: boolean): string {
  const { scheme, credentials, hosts, path, query } = splitConnectionString(uri);
  if (!ssl || query.has('tls') || query.has('ssl')) return uri;
  query.set('tls', 'true');
  return `${scheme}${credentials}${hosts}${path}?${query}`;
}
