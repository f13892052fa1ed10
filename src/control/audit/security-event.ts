/** Kinds of attempts that are refused for reasons of security. Atlas publishes no names for such events; these have the form of its own. */
export type SecurityEventType =
  | 'API_KEY_AUTHENTICATION_FAILED'
  | 'API_KEY_ADDRESS_REFUSED'
  | 'SERVICE_ACCOUNT_AUTHENTICATION_FAILED'
  | 'SERVICE_ACCOUNT_ADDRESS_REFUSED'
  | 'API_REQUEST_REPLAYED'
  | 'API_REQUEST_UNAUTHORIZED'
  | 'LINK_TOKEN_REFUSED'
  | 'AGENT_AUTHENTICATION_FAILED'
  | 'AGENT_ADDRESS_REFUSED'
  | 'AGENT_REQUEST_REPLAYED'
  | 'ATTEMPT_REFUSED_UNCHECKED'
  | 'CONNECTION_REFUSED';

/** Whom a client names. */
export interface Claim {
  readonly kind: 'api key' | 'service account' | 'agent' | 'link-token';
  /** Public key, client id, agent id, or public id of the token. */
  readonly name: string;
}

/** One refused attempt. None of its texts may have a secret in it. */
export interface SecurityEvent {
  readonly type: SecurityEventType;
  /** The client's, as `--trusted-proxies` has it. */
  readonly address: string;
  /** Why: a code of the error catalogue, or two or three words. */
  readonly reason: string;
  /** The actor that asked, when it has proved its identity. */
  readonly actor?: { readonly kind: 'api key' | 'service account' | 'agent'; readonly name: string };
  /** Whom the client claimed to be, where it has not. */
  readonly claim?: Claim;
  /** The organization whose owners are told; absent where none is known. */
  readonly orgId?: string;
}

/** The form of names that the control plane makes itself. Any other text could be a secret in the wrong place. */
const FORMS: Readonly<Record<Claim['kind'], RegExp>> = {
  'api key': /^[a-z]{8}$/,
  'service account': /^mdb_sa_id_[a-fA-F\d]{24}$/,
  agent: /^[a-f\d]{24}$/,
  'link-token': /^[0-9A-Za-z]{12}$/,
};

/**
 * The claimed name as it may be written down: whole where it exists here or has the form of one that does, as a client may have sent its secret
 * in place of its name.
 */
export function shownName({ claim, orgId }: Pick<SecurityEvent, 'claim' | 'orgId'>): string | undefined {
  if (!claim || claim.name === '') return undefined;
  return orgId !== undefined || FORMS[claim.kind].test(claim.name) ? claim.name : '(another form)';
}
