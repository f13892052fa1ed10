/** A user that Linkspan creates on a destination for a migration. */
export interface MigrationUser {
  /** Also the name of the user's role. */
  readonly name: string;
  readonly password: string;
  /** Whether it also needs the privileges of a source, for a failback. */
  readonly reversible: boolean;
  /** Whether it also needs the privileges to migrate users and roles. */
  readonly usersAndRoles: boolean;
}

/** The organization and project for which Linkspan connects to a destination. Each has a limit of parallel connection attempts. */
export interface DiallingTenant {
  readonly orgId: string;
  readonly groupId: string;
}

/** The operations of the control plane on destination clusters. All of them may be repeated. */
export interface DestinationPort {
  /**
   * Checks a cluster before its registration.
   * @returns whether its user may create users there
   * @throws UserError the reason why the cluster can't be a destination; DESTINATION_NOT_CHECKED when the check didn't run
   */
  check(tenant: DiallingTenant, connectionString: string): Promise<{ readonly makesUsers: boolean }>;
  /**
   * Creates a user with only the privileges that a migration needs; durable when it resolves. Replaces a user with that name.
   * @param signal  ends the attempt, because the server stops
   * @throws UserError DESTINATION_USER_REFUSED; all other errors may be transient
   */
  makeUser(tenant: DiallingTenant, connectionString: string, user: MigrationUser, signal: AbortSignal): Promise<void>;
  /** Drops such a user if it exists. @throws as {@link makeUser} */
  dropUser(tenant: DiallingTenant, connectionString: string, name: string, signal: AbortSignal): Promise<void>;
}
