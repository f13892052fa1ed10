import type { ClusterAddress } from '../engine/index.ts';
import type { Assignment } from '../link/index.ts';
import { UserError } from '../platform/index.ts';
import type { AgentConfiguration, SourceDeployment } from './configuration.ts';
import { splitConnectionString } from './connection-string.ts';

/**
 * Returns the address of the source of an assignment. It is always a deployment of this agent's own configuration, never an address from the
 * link. The assignment only gives credentials and can require TLS. It can't name files of this machine: the CA file is from the configuration.
 * @throws UserError SOURCE_NOT_CONFIGURED, SOURCE_CA_NOT_CONFIGURED
 */
export function sourceAddress(configuration: AgentConfiguration, source: Assignment['source']): ClusterAddress {
  const deployment = configuration.projects
    .find(({ id }) => id === source.projectId)
    ?.deployments.find(({ name }) => name === source.clusterName);
  if (!deployment) throw new UserError('SOURCE_NOT_CONFIGURED', [source.clusterName, source.projectId]);
  const { tlsCaFile } = deployment;
  const { caCertificatePath: asked } = source;
  // Does not check whether the file exists, because the caller of the API could then find out which files exist.
  if (asked && asked !== tlsCaFile) throw new UserError('SOURCE_CA_NOT_CONFIGURED', [asked, source.clusterName]);
  const uri = withTls(withCredentials(deployment.uri, source.username, source.password), source.ssl);
  return { uri, tlsCaFile };
}

/** The address of a deployment with the configuration's own credentials. */
export function deploymentAddress({ uri, tlsCaFile }: SourceDeployment): ClusterAddress {
  return { uri, tlsCaFile };
}

/** Replaces the credentials of a connection string. The user is one of `admin`, where Atlas has its users. */
function withCredentials(uri: string, username: string | undefined, password: string | undefined): string {
  if (username === undefined) return uri;
  const { scheme, hosts, path, query } = splitConnectionString(uri);
  // These options belong to the replaced user.
  query.delete('authMechanism');
  query.delete('authMechanismProperties');
  query.set('authSource', 'admin');
  const credentials = `${encodeURIComponent(username)}:${encodeURIComponent(password ?? '')}`;
  return `${scheme}${credentials}@${hosts}${path}?${query}`;
}

/** Adds TLS if `ssl` is set. It never removes TLS, so that the API cannot weaken the operator's connection string. */
function withTls(uri: string, ssl: boolean): string {
  const { scheme, credentials, hosts, path, query } = splitConnectionString(uri);
  if (!ssl || query.has('tls') || query.has('ssl')) return uri;
  query.set('tls', 'true');
  return `${scheme}${credentials}${hosts}${path}?${query}`;
}
