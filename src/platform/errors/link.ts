import { defineErrors } from './define.ts';

/** What can go wrong between an agent and the control plane. */
export const linkErrors = defineErrors({
  LINK_TOKEN_MALFORMED: {
    status: 400,
    detail: 'This is not a link-token.',
    remedy: 'A link-token begins with mlt_ and is one word. Copy the whole value of linkToken, without quotes.',
  },
  LINK_TOKEN_CHECKSUM: {
    status: 400,
    detail: 'The link-token is damaged: its checksum does not match.',
    remedy: 'Copy it again, whole, from where it was shown.',
  },
  LINK_TOKEN_UNKNOWN: {
    status: 404,
    detail: 'The control plane does not know link-token %.',
    remedy: 'It was deleted, or it is from another Linkspan. Ask its administrator for a new link-token.',
  },
  LINK_TOKEN_USED: {
    status: 409,
    detail: 'Link-token % has been redeemed already, by another agent.',
    remedy:
      'A link-token works once. If you did not use it, someone else did: have the link deleted and ask for a new one.',
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
    detail: 'Link-token % is for the host % alone.',
    remedy: 'Set host in the configuration of the agent to that name, or ask for a link-token for this host.',
  },
  LINK_REVOKED: {
    status: 410,
    detail: 'The link of the agent on host % was revoked by an owner of the organization.',
    remedy: 'If the agent is to work again, link it anew with a new link-token.',
  },
  LINK_NOT_FOUND: {
    status: 404,
    detail: 'The organization has no link %, or it has ended.',
    remedy: 'List the links of the organization (linkspan link list), and give the id of one.',
  },
  AGENT_PENDING_APPROVAL: {
    status: 403,
    detail: 'Another agent with host name % is linked already: link % waits for the approval of an owner.',
    remedy:
      'If this agent is to take the place of that one, approve it (linkspan link approve); otherwise give it another host name and link it again.',
  },
  AGENT_SUPERSEDED: {
    status: 410,
    detail: 'Another agent with host name % has been linked to the organization and has taken the place of this one.',
    remedy:
      'Stop this agent; where both are needed, give one another host name in its configuration and link it again.',
  },
  AGENT_UNKNOWN: {
    status: 401,
    detail: 'The control plane does not know this agent.',
    remedy:
      'Check that the agent talks to the Linkspan it was linked to; otherwise link it again with a new link-token.',
  },
  AGENT_ADDRESS_REFUSED: {
    status: 403,
    detail: 'The address % is not on the access list of this link-token.',
    remedy: 'Ask for a link-token whose accessListIps has the address from which the agent is seen.',
  },
  PROOF_MISSING: {
    status: 401,
    detail: 'The request is not signed.',
    remedy: 'Only a Linkspan agent can use this address. Behind a proxy, let the Linkspan-* headers through.',
  },
  PROOF_WRONG: {
    status: 401,
    detail: "The request's signature does not match the agent's key.",
    remedy:
      'If the key file of the agent was replaced or lost, link it again. A proxy must not change path, query or body.',
  },
  CLOCK_SKEW: {
    status: 401,
    detail: "The agent's clock says %, the control plane's says %; they may be five minutes apart.",
    remedy: 'Set both clocks, for example with NTP. The agent tries again by itself.',
  },
  REQUEST_REPLAYED: {
    status: 401,
    detail: 'The request was received before.',
    remedy: 'Repeat it with a new signature. If no agent did this, someone copied a request.',
  },
  LINK_MESSAGE_INVALID: {
    status: 400,
    detail: 'The message is not valid: %.',
    remedy: 'Agent and control plane must be of versions that fit each other: upgrade the older one.',
  },
  LINK_TOKEN_MISSING: {
    status: 400,
    detail: 'This agent is not linked yet: there is no link in %, and no link-token was given.',
    remedy: 'Set LINKSPAN_LINK_TOKEN or LINKSPAN_LINK_TOKEN_FILE for the first start.',
  },
  LINK_TOKEN_FILE_UNREADABLE: {
    status: 400,
    detail: 'The link-token file % cannot be read: %.',
    remedy: 'Check its path and that the agent may read it.',
  },
  AGENT_DATA_UNUSABLE: {
    status: 400,
    detail: "The agent's data directory % cannot be used: %.",
    remedy: 'Check that the agent may read and write it. If its files are damaged, empty it and link the agent again.',
  },
  AGENT_KEY_EXPOSED: {
    status: 400,
    detail: "Others can read the agent's key: % has mode %.",
    remedy:
      'If somebody else may have read it, have the link deleted, remove the file, and link the agent again. Otherwise make it ' +
      'readable by the agent alone: chmod 600.',
  },
  CONTROL_PLANE_NOT_SECURE: {
    status: 400,
    detail: 'The control plane at % is on another machine and does not use HTTPS.',
    remedy:
      'Give the control plane a certificate and an https URL (--public-url), and ask for a new link-token. ' +
      "On a network that is protected otherwise, allow it in the agent's configuration: plainHttp: anywhere.",
  },
  CONTROL_PLANE_UNREACHABLE: {
    status: 502,
    detail: 'The control plane at % cannot be reached: %.',
    remedy: 'Check that it runs, and the network, proxies and certificates from the migration host.',
  },
  CONTROL_PLANE_UNTRUSTED: {
    status: 502,
    detail: 'The certificate of the control plane at % is not trusted here: %.',
    remedy:
      'Check that it is the right server. With a CA of your own, ask for a link-token that pins it (--tls-pin), or name its ' +
      'PEM file in NODE_EXTRA_CA_CERTS.',
  },
  CONTROL_PLANE_KEY_UNKNOWN: {
    status: 502,
    detail: 'The control plane at % does not show the key that the link-token pins.',
    remedy:
      'Something else answers there, or its key was replaced. Ask the administrator of the destination; if the key is new, link ' +
      'the agent again with a new link-token.',
  },
  CONTROL_PLANE_ANSWER_UNSIGNED: {
    status: 502,
    detail: 'The answer of the control plane at % (HTTP %) is not signed with a key that this agent trusts.',
    remedy:
      'Look for a proxy or load balancer that answers in its place or changes answers; Linkspan-* headers must pass. If the control ' +
      'plane was set up anew or restored, link the agent again with a new link-token.',
  },
  LINK_TOKEN_OUTDATED: {
    status: 400,
    detail: 'The link-token was made by a version of Linkspan whose answers are not signed.',
    remedy: 'Upgrade the control plane and make a new link-token.',
  },
  LINK_OUTDATED: {
    status: 400,
    detail: 'The link in % was made by a version of Linkspan whose answers are not signed.',
    remedy: 'Make a new link-token that names this host, and start the agent with it: running migrations go on.',
  },
  PROOF_FOR_ANOTHER: {
    status: 401,
    detail: 'The request is signed for another control plane.',
    remedy:
      'Link the agent to this control plane with a link-token of it. If no agent did this, someone relays requests.',
  },
  CONTROL_PLANE_REFUSED: {
    status: 502,
    detail: 'The control plane at % refused the request: %.',
    remedy: 'Check that the address is that of a Linkspan of a fitting version and that no proxy is in between.',
  },
  MIGRATION_LINK_EXISTS: {
    status: 409,
    detail: 'This agent is linked already, to organization % at %.',
    remedy: 'Delete that link first (DELETE …/liveExport/migrationLink).',
  },
  DESTINATION_OPTION_REFUSED: {
    status: 400,
    detail: "The agent does not take % in a destination's connection string.",
    remedy:
      "It would reach for files, credentials or programs of the agent's machine, or have it trust anybody. Register the destination " +
      'without it.',
  },
  DESTINATION_NOT_ALLOWED: {
    status: 400,
    detail: 'The agent may not connect to %.',
    remedy:
      "If that is where the data are to go, add it to allowedDestinations in the agent's configuration and start the agent again.",
  },
  SOURCE_NOT_CONFIGURED: {
    status: 400,
    detail: 'The agent has no deployment % in project %.',
    remedy: "Add it to the agent's configuration and start the agent again, or name one that it has.",
  },
  SOURCE_CA_NOT_CONFIGURED: {
    status: 400,
    detail: "The CA file % is not the one that the agent's configuration names for %.",
    remedy:
      "Leave caCertificatePath out, or give the path that tlsCaFile of the deployment has in the agent's configuration. An order cannot " +
      "choose files of the agent's machine.",
  },
});
