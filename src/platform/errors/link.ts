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
  LINK_DELETED: {
    status: 410,
    detail: 'The link of this agent has been deleted.',
    remedy: 'Ask the administrator of the destination for a new link-token, and start the agent with it.',
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
    detail: "The agent's clock is % the control plane's; five minutes are allowed.",
    remedy: 'Set both clocks, for example with NTP.',
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
});
