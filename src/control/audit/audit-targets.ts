/**
 * The names of the details that identify the target of an event, by the kind of that target. A value is an id or a list of
 * ids.
 */
const TARGETS = {
  MIGRATION: ['liveMigrationId', 'liveMigrationIds'],
  VALIDATION: ['validationId'],
  CLUSTER: ['clusterName', 'clusterId'],
  API_KEY: ['targetPublicKey'],
  SERVICE_ACCOUNT: ['clientId'],
  AGENT: ['agentId', 'supersededAgentIds', 'migrationHost', 'migrationHosts'],
  LINK: ['linkId'],
  LINK_TOKEN: ['linkTokenId', 'linkTokenIds'],
} as const;

export type AuditTargetKind = keyof typeof TARGETS;

export const AUDIT_TARGET_KINDS = Object.keys(TARGETS) as readonly AuditTargetKind[];

/** Whether a text names a kind of target. */
export function isAuditTargetKind(text: string): text is AuditTargetKind {
  return Object.hasOwn(TARGETS, text);
}

/** Returns the names of the details that hold a target. @param kind  of the target; undefined for any */
export function targetDetails(kind: AuditTargetKind | undefined): readonly string[] {
  return kind === undefined ? Object.values(TARGETS).flat() : TARGETS[kind];
}
