interface AgentFile {
  /** The name of the agent's host; empty if it is the machine's own name. */
  readonly host: string;
  /** Connection strings of the registered destinations. */
  readonly destinations: readonly string[];
}

const PROJECT_ID_BYTES = 12;

/** Returns a complete agent.yaml, in which the operator fills in the source. docs/operate/agent.md has the other keys. */
export function agentYaml({ host, destinations }: AgentFile): string {
  const id = Array.from(crypto.getRandomValues(new Uint8Array(PROJECT_ID_BYTES)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
  const allowed = [...new Set(destinations.flatMap(hostsOf))].map((name) => JSON.stringify(name)).join(', ');
  return `# docs/operate/agent.md explains every key.
${host === '' ? '' : `host: ${JSON.stringify(host)}\n`}projects:
  - id: "${id}" # the source's groupId
    name: My project
    deployments:
      - name: my-cluster # the source's clusterName
        uri: mongodb://linkspan:\${SOURCE_PASSWORD}@source-1:27017/?replicaSet=rs0
${allowed === '' ? '' : `# Where the agent may send data: the registered destinations.\nallowedDestinations: [${allowed}]\n`}`;
}

/** Returns the hosts of a connection string. Those behind an SRV record have names below the record's domain. */
function hostsOf(connectionString: string): string[] {
  const [, srv, hosts = ''] = /^mongodb(\+srv)?:\/\/(?:[^@/?]*@)?([^/?]*)/.exec(connectionString) ?? [];
  if (srv !== undefined) return [`*.${hosts.split('.').slice(1).join('.')}`];
  return hosts.split(',').map((host) => host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1'));
}
