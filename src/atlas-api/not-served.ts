/**
 * Parts of the Atlas API that Linkspan does not serve. Their error differs from the one for a mistyped path, so that users don't look for
 * a mistake of their own.
 */
const NOT_SERVED: readonly RegExp[] = [
  /^\/orgs\/[^/]+\/(invites|teams|users)(\/|$)/,
  /^\/orgs\/[^/]+\/serviceAccounts\/[^/]+\/groups(\/|$)/,
  /^\/groups\/[^/]+\/(accessList|databaseUsers|peers|privateEndpoint|serviceAccounts|settings|teams|users)(\/|$)/,
  /^\/groups\/[^/]+\/clusters\/[^/]+\/./,
  /^\/groups\/[^/]+\/liveMigrations(\/|$)/,
  /^\/(clusters|eventTypes|rateLimits|users|federationSettings|alertConfigs)(\/|$)/,
];

/** Whether Atlas serves a path that Linkspan does not. @param path  without `/api/atlas/v2` or `/api/atlas/v1.0` */
export function isKnownToAtlas(path: string): boolean {
  return NOT_SERVED.some((pattern) => pattern.test(path));
}
