/** Kinds of attempts that are refused for security reasons. Atlas publishes no names for such events; these follow the form of its names. */
export const SECURITY_EVENT_TYPES = [
  'API_KEY_AUTHENTICATION_FAILED',
  'API_KEY_ADDRESS_REFUSED',
  'SERVICE_ACCOUNT_AUTHENTICATION_FAILED',
  'SERVICE_ACCOUNT_ADDRESS_REFUSED',
  'API_REQUEST_REPLAYED',
  'API_REQUEST_UNAUTHORIZED',
  'LINK_TOKEN_REFUSED',
  'AGENT_AUTHENTICATION_FAILED',
  'AGENT_ADDRESS_REFUSED',
  'AGENT_REQUEST_REPLAYED',
  'AGENT_REQUESTS_LIMITED',
  'ATTEMPT_REFUSED_UNCHECKED',
  'CONNECTION_REFUSED',
] as const;
export type SecurityEventType = (typeof SECURITY_EVENT_TYPES)[number];

/** The identity that a client claims. */
export interface Claim {
  readonly kind: 'API_KEY' | 'SERVICE_ACCOUNT' | 'AGENT' | 'LINK_TOKEN';
  /** Public key, client id, agent id, or public id of the token. */
  readonly name: string;
}

/** One refused attempt. None of its texts may contain a secret. */
export interface SecurityEvent {
  readonly type: SecurityEventType;
  /** The client's address, as found with `--trusted-proxies`. */
  readonly address: string;
  /** The reason: a code of the error catalogue, or two or three words. */
  readonly reason: string;
  /** The actor, if it was authenticated. */
  readonly actor?: { readonly kind: 'API_KEY' | 'SERVICE_ACCOUNT' | 'AGENT'; readonly name: string };
  /** The claimed identity, if it was not authenticated. */
  readonly claim?: Claim;
  /** The organization whose owners see the event; absent when none is known. */
  readonly orgId?: string;
}

/** Patterns of the names that the control plane creates. Any other text could be a secret in the wrong place. */
const FORMS: Readonly<Record<Claim['kind'], RegExp>> = {
  API_KEY: /^[a-z]{8}$/,
  SERVICE_ACCOUNT: /^mdb_sa_id_[a-fA-F\d]{24}$/,
  AGENT: /^[a-f\d]{24}$/,
  LINK_TOKEN: /^[0-9A-Za-z]{12}$/,
};

/**
 * The claimed name as it may be logged. It is hidden unless the name exists here or has the form of a name, because a client may send its
 * secret instead of its name.
 */
export function shownName({ claim, orgId }: Pick<SecurityEvent, 'claim' | 'orgId'>): string | undefined {
  if (!claim || claim.name === '') return undefined;
  return orgId !== undefined || FORMS[claim.kind].test(claim.name) ? claim.name : '(another form)';
}
