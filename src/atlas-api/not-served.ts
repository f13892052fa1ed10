/**
 * Parts of the Atlas API that its clients know and that Linkspan does not serve. They are told apart from mistyped paths, so that
 * nobody looks for a mistake of their own.
 */
const NOT_SERVED: readonly RegExp[] = [
  /^\/orgs\/[^/]+\/(invites|teams|users)(\/|$)/,
  /^\/orgs\/[^/]+\/serviceAccounts\/[^/]+\/groups(\/|$)/,
  /^\/groups\/[^/]+\/(accessList|databaseUsers|peers|privateEndpoint|serviceAccounts|settings|teams|users)(\/|$)/,
  /^\/groups\/[^/]+\/clusters\/[^/]+\/./,
  /^\/groups\/[^/]+\/liveMigrations(\/|$)/,
  /^\/(clusters|eventTypes|rateLimits|users|federationSettings|alertConfigs)(\/|$)/,
];

/** @param path  after `/api/atlas/v2` or `/api/atlas/v1.0` */
export function isKnownToAtlas(path: string): boolean {
  return NOT_SERVED.some((pattern) => pattern.test(path));
}
