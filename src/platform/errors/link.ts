import { defineErrors } from './define.ts';

/** Errors between an agent and the control plane. */
export const linkErrors = defineErrors('request', {
  LINK_TOKEN_MALFORMED: {
    status: 400,
    detail: 'This is not a link-token.',
    remedy: 'A link-token starts with mlt_ and has no spaces. Copy the whole value of linkToken, without quotes.',
  },
  LINK_TOKEN_CHECKSUM: {
    status: 400,
    detail: 'The link-token is damaged: its checksum does not match.',
    remedy: 'Copy the complete link-token again from where it was shown.',
  },
  LINK_TOKEN_UNKNOWN: {
    status: 404,
    detail: 'The control plane does not know link-token %.',
    remedy: 'It was deleted, or another Linkspan server created it. Ask the administrator for a new link-token.',
  },
  LINK_TOKEN_USED: {
    status: 409,
    detail: 'Another agent has already redeemed link-token %.',
    remedy:
      'A link-token works once. If you did not use it, someone else did: ask the administrator to delete that link and create a new link-token.',
  },
  LINK_TOKEN_EXPIRED: {
    status: 410,
    detail: 'Link-token % expired at %.',
    remedy: 'Ask the administrator of the destination for a new link-token, and redeem it before it expires.',
  },
  LINK_DELETED: {
    status: 410,
    detail: 'The link of this agent has been deleted.',
    remedy: 'Ask the administrator of the destination for a new link-token, and start the agent with it.',
  },
  LINK_TOKEN_FOR_ANOTHER_HOST: {
    status: 403,
    detail: 'Link-token % is valid only for host %.',
    remedy: "Set host in the agent's configuration to that name, or ask for a link-token for this host.",
  },
  LINK_REVOKED: {
    status: 410,
    detail: 'An owner of the organization revoked the link of the agent on host %.',
    remedy: 'To use the agent again, link it with a new link-token.',
  },
  LINK_NOT_FOUND: {
    status: 404,
    detail: 'The organization has no link %, or it has ended.',
    remedy: 'List the links of the organization with linkspan link list, and use one of these IDs.',
  },
  AGENT_PENDING_APPROVAL: {
    status: 403,
    detail: 'Another agent with host name % is already linked: link % waits for the approval of an owner.',
    remedy:
      'If this agent should replace that one, approve it with linkspan link approve. Otherwise, give it another host name and link it again.',
  },
  AGENT_SUPERSEDED: {
    status: 410,
    detail: 'Another agent with host name % was linked to the organization and has replaced this one.',
    remedy:
      'Stop this agent. If you need both, give one of them another host name in its configuration and link it again.',
  },
  AGENT_UNKNOWN: {
    status: 401,
    detail: 'The control plane does not know this agent.',
    remedy:
      'Check that the agent connects to the control plane that it was linked to. Otherwise, link it again with a new link-token.',
  },
  AGENT_ADDRESS_REFUSED: {
    status: 403,
    detail: 'The address % is not on the access list of this link-token.',
    remedy: "Ask for a link-token whose accessListIps includes the agent's address as the control plane sees it.",
  },
  PROOF_MISSING: {
    status: 401,
    detail: 'The request is not signed.',
    remedy: 'Only a Linkspan agent can use this URL. If there is a proxy, let it pass the Linkspan-* headers.',
  },
  PROOF_WRONG: {
    status: 401,
    detail: "The request's signature does not match the agent's key.",
    remedy:
      "If the agent's key file was replaced or lost, link the agent again. A proxy must not change path, query or body.",
  },
  CLOCK_SKEW: {
    status: 401,
    detail: "The agent's clock says %, the control plane's says %. They may differ by at most five minutes.",
    remedy: 'Synchronize both clocks, for example with NTP. The agent retries by itself.',
  },
  REQUEST_REPLAYED: {
    status: 401,
    detail: 'The control plane has already received this request.',
    remedy: 'Send it again with a new signature. If no agent sent it, someone copied a request.',
  },
  TOO_MANY_AGENT_REQUESTS: {
    status: 429,
    detail: 'The agent has sent more than % requests within ten minutes.',
    remedy:
      'Look for a second process or host that uses the key of this agent. If you find none, revoke the link and link the agent again, ' +
      'because another client may have its key. Requests are accepted again after ten minutes.',
  },
  LINK_MESSAGE_INVALID: {
    status: 400,
    detail: 'The message is not valid: %.',
    remedy: 'Agent and control plane must have compatible versions: upgrade the older one.',
  },
  DIGEST_HELPER_NOT_FOUND: {
    status: 409,
    detail: 'No linked agent on host % offers digests of cluster % of project %.',
    remedy:
      "Start an agent there whose configuration names this cluster and project under `digests`, with a link-token of the destination's organization. Or create the migration without digestsBy.",
  },
  DIGEST_NOT_ORDERED: {
    status: 403,
    detail: 'This agent does not lead migration %, or that has no digest helper.',
    remedy: 'The agent reads the documents of the destination itself. No one needs to act.',
  },
  DIGEST_UNANSWERED: {
    status: 409,
    detail: 'The digest helper on host % did not answer: %.',
    remedy: 'The verification reads documents instead. Look at the log of the digest helper, and check that it runs.',
  },
  DIGESTS_BUSY: {
    status: 429,
    detail: 'Too many questions to digest helpers are open.',
    remedy: 'The verification reads documents instead, and asks again later. No one needs to act.',
  },
  LINK_TOKEN_MISSING: {
    status: 400,
    detail: 'This agent is not linked yet: % contains no link, and no link-token is set.',
    remedy: 'Set LINKSPAN_LINK_TOKEN or LINKSPAN_LINK_TOKEN_FILE for the first start.',
  },
  LINK_TOKEN_FILE_UNREADABLE: {
    status: 400,
    detail: 'The link-token file % cannot be read: %.',
    remedy: 'Check the path, and that the agent has permission to read the file.',
  },
  AGENT_DATA_UNUSABLE: {
    status: 400,
    detail: "The agent's data directory % cannot be used: %.",
    remedy: 'Check that the agent can read and write it. If its files are damaged, empty it and link the agent again.',
  },
  AGENT_KEY_EXPOSED: {
    status: 400,
    detail: "Others can read the agent's key: % has mode %.",
    remedy:
      'If another user may have read it, ask the administrator to delete the link, remove the file, and link the agent again. ' +
      'Otherwise make it readable only by the agent: chmod 600.',
  },
  CONTROL_PLANE_NOT_SECURE: {
    status: 400,
    detail: 'The control plane at % is on another machine and does not use HTTPS.',
    remedy:
      'Give the control plane a certificate and an https URL (--public-url), and ask for a new link-token. ' +
      "On a protected network, allow plain HTTP in the agent's configuration: plainHttp: anywhere.",
  },
  CONTROL_PLANE_UNREACHABLE: {
    status: 502,
    detail: 'The control plane at % cannot be reached: %.',
    remedy: 'Check that it runs, and the network, proxies and certificates from the migration host.',
  },
  CONTROL_PLANE_UNTRUSTED: {
    status: 502,
    detail: 'This host does not trust the certificate of the control plane at %: %.',
    remedy:
      'Check that it is the right server. If you use your own CA, ask for a link-token that pins it (--tls-pin), or set ' +
      'NODE_EXTRA_CA_CERTS to its PEM file.',
  },
  CONTROL_PLANE_KEY_UNKNOWN: {
    status: 502,
    detail: 'The control plane at % does not present the key that the link-token pins.',
    remedy:
      'Another server answers there, or its key was replaced. Ask the administrator of the destination. If the key was replaced, ' +
      'link the agent again with a new link-token.',
  },
  CONTROL_PLANE_ANSWER_UNSIGNED: {
    status: 502,
    detail: 'The answer of the control plane at % (HTTP %) is not signed with a key that this agent trusts.',
    remedy:
      'Look for a proxy or load balancer that answers instead, changes requests or answers, or removes Linkspan-* headers. If the ' +
      'control plane was reinstalled or restored, link the agent again with a new link-token. One of Linkspan 0.2.0 has to be upgraded.',
  },
  PROOF_FOR_ANOTHER: {
    status: 401,
    detail: 'The request is signed for another control plane.',
    remedy:
      'Link the agent to this control plane with a link-token from it. If no agent sent this request, someone relays requests.',
  },
  CONTROL_PLANE_REFUSED: {
    status: 502,
    detail: 'The control plane at % refused the request: %.',
    remedy:
      'Check that a Linkspan server of a compatible version answers at this address, and that no proxy is in between.',
  },
  MIGRATION_LINK_EXISTS: {
    status: 409,
    detail: 'This agent is already linked to organization % at %.',
    remedy: 'Delete that link first (DELETE …/liveExport/migrationLink).',
  },
  DESTINATION_OPTION_REFUSED: {
    status: 400,
    detail: "The agent does not accept % in a destination's connection string.",
    remedy:
      "It could give access to files, credentials or programs on the agent's machine, or weaken TLS. Register the destination " +
      'without it.',
  },
  DESTINATION_NOT_ALLOWED: {
    status: 400,
    detail: 'The agent may not connect to %.',
    remedy:
      "If this is the intended destination, add it to allowedDestinations in the agent's configuration and restart the agent.",
  },
  SOURCE_NOT_CONFIGURED: {
    status: 400,
    detail: 'The agent has no deployment % in project %.',
    remedy: "Add it to the agent's configuration and restart the agent, or use a deployment that it has.",
  },
  SOURCE_CA_NOT_CONFIGURED: {
    status: 400,
    detail: "The CA file % is not the one that the agent's configuration names for %.",
    remedy:
      "Omit caCertificatePath, or set it to the path of tlsCaFile in the agent's configuration of the deployment. A request cannot " +
      "choose files on the agent's machine.",
  },
});
