/** A user that is made on a destination. */
export interface UserCredentials {
  /** Also the name of the role that goes with it. */
  readonly name: string;
  readonly password: string;
}

/** The tenant that asks for a destination to be dialled. Each may have only a few dialled at a time. */
export interface DiallingTenant {
  readonly orgId: string;
  readonly groupId: string;
}

/** What the control plane does on destination clusters itself. All of it may be repeated. */
export interface DestinationPort {
  /**
   * Looks at a cluster that is to be registered.
   * @returns whether its user may make users there
   * @throws UserError what keeps the cluster from being a destination, as far as it can be seen from here; DESTINATION_NOT_CHECKED when
   * nobody looked
   */
  check(tenant: DiallingTenant, connectionString: string): Promise<{ readonly makesUsers: boolean }>;
  /**
   * Makes a user that may do what a migration needs, and nothing else; durable when it resolves. One of that name is made anew.
   * @param signal  ends the attempt: the server stops
   * @throws UserError DESTINATION_USER_REFUSED; anything else that it throws may pass by itself
   */
  makeUser(tenant: DiallingTenant, connectionString: string, user: UserCredentials, signal: AbortSignal): Promise<void>;
  /** Drops such a user, if it is there. @throws as {@link makeUser} */
  dropUser(tenant: DiallingTenant, connectionString: string, name: string, signal: AbortSignal): Promise<void>;
}
