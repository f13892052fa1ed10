import { z } from 'zod';
import { estimate, failback, finding, listOf, order, type Progress, progress, sourceWatch } from '../contract/index.ts';
import { agentName, bounded } from './bounded.ts';
import { type ReportedLists, reportedLists } from './reported-lists.ts';

/** The form of the messages. An agent with another one is refused before it is linked. */
export const LINK_FORM = 2;

// This file defines the messages between an agent and the control plane: JSON over HTTPS. The agent always connects.
const id = z.string().regex(/^[0-9a-f]{24}$/);

/** `POST /link/v1/redeem`, signed with the key in the body. */
export const redeemRequest = z.object({
  form: z.literal(LINK_FORM, 'the version of the agent is another one'),
  token: z.string(),
  /** Ed25519 public key, raw 32 bytes, base64url. */
  publicKey: z.string(),
  host: agentName,
  version: agentName,
});
export const redeemResponse = z.object({ agentId: id, linkId: id, orgId: id });

/** A deployment of the source, with the fields of Atlas's AvailableClustersDeployment. */
const deployment = z.object({
  name: z.string(),
  clusterId: id.optional(),
  managed: z.boolean(),
  sharded: z.boolean(),
  shardsSize: z.number().optional(),
  tlsEnabled: z.boolean(),
  mongoDBVersion: z.string(),
  featureCompatibilityVersion: z.string(),
  agentVersion: z.string().optional(),
  dbSizeBytes: z.number().optional(),
  oplogSizeMB: z.number().optional(),
});

/** Characters of an inventory: some 300 deployments. The control plane reads those of all agents of an organization at once. */
const LONGEST_INVENTORY = 128 * 1024;

/** A project of the agent's configuration. */
const inventoryProject = z.object({
  projectId: id,
  name: z.string(),
  deployments: listOf(deployment),
});

/** The source and the destination of a migration. The agent that `migrationHosts` names gets it. */
const assignment = z.object({
  source: z.object({
    projectId: id,
    clusterName: z.string(),
    /** When absent, the agent uses the credentials of its own configuration. */
    username: z.string().optional(),
    password: z.string().optional(),
    ssl: z.boolean(),
    caCertificatePath: z.string().optional(),
  }),
  destination: z.object({ uri: z.string() }),
  dropDestination: z.boolean(),
  /** Whether the migration keeps a failback. */
  reversible: z.boolean(),
  /** Whether the cutover migrates users and custom roles, too. */
  usersAndRoles: z.boolean(),
  /** Host name of the helper that digests ranges of the destination; absent without one. */
  digestsBy: agentName.optional(),
});

/** The wanted state of one agent: its validations, migrations and trusted keys. */
export const wantedState = z.object({
  /** An opaque text that changes whenever another field changes. */
  revision: z.string(),
  /** Public keys of this control plane, newest first. The agent then trusts only these keys. */
  serverKeys: z.array(z.string()).min(1),
  /** When a user last requested the inventory. The agent reads its sources again when this time changes. */
  inventoryWantedAtMs: z.number().optional(),
  validations: z.array(z.object({ id, assignment })),
  migrations: z.array(z.object({ id, assignment, order })),
  /** Sources to watch after a commit, from where the control plane knows them. The revision ignores how far they are. */
  watches: z.array(z.object({ id, source: assignment.shape.source, watch: sourceWatch })),
  /** The migrations for which the agent stands by: it reads their records, and writes nothing. */
  standbys: z.array(z.object({ id, source: assignment.shape.source, destination: assignment.shape.destination })),
});

/** A migration for which an agent stands by. */
const standby = z.object({
  id,
  /**
   * `WRITTEN`: an engine writes the migration's record. `SILENT`: none has written it for so long that another one may take the
   * migration. `UNREAD`: the agent can't read both clusters.
   */
  record: z.enum(['WRITTEN', 'SILENT', 'UNREAD']),
  /** Why it can't read them; absent while it can. */
  reason: z.string().optional(),
});

/** `POST /link/v1/poll`: answers at once when the revision differs, else when it changes or after `waitSeconds`. */
export const pollRequest = z.object({
  revision: z.string().nullable(),
  waitSeconds: z.number().int().min(0).max(60),
  /** Key to which the answer is sealed: X25519, raw, base64url. */
  answerKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
});
/** The answer is sealed, because a wanted state has passwords that no proxy or load balancer in between may read. */
export const pollResponse = z.object({
  /** The JSON of a {@link wantedState}, sealed to the request's key. */
  sealed: z.string(),
});

/**
 * `POST /link/v1/report`: the current state of the agent's work, in the form of the contract (docs/adr/0036-contract.md).
 * Sending it again is harmless, because the server ignores older sequence numbers. They start at the current time, so that
 * they also grow after a restart.
 */
const report = z.object({
  sequence: z.number().int().nonnegative(),
  /** One that is too long must not hold up the reports of migrations. */
  inventory: listOf(inventoryProject)
    .refine((projects) => JSON.stringify(projects).length <= LONGEST_INVENTORY)
    .optional()
    .catch(undefined),
  validations: listOf(
    z.object({
      id,
      status: z.enum(['SUCCESS', 'FAILED']),
      errorMessage: z.string().nullable(),
      findings: listOf(finding),
      /** Absent while nothing is known. Another form must not hold up the findings. */
      estimate: estimate.optional().catch(undefined),
    }),
  ),
  migrations: listOf(
    z.object({
      id,
      /** Null for one in another form, which must not hold up the others: the migration counts as left out. */
      progress: progress.nullable().catch(null),
      /** The direction that `progress` is about; absent for 0. */
      reversals: z.number().int().nonnegative().optional(),
      /** Only after a cutover of a reversible migration. */
      failback: failback.optional(),
      /** The changes of its lists; absent while nothing has. */
      lists: reportedLists.optional().catch(undefined),
    }),
  ),
  /** The migrations that other engines have taken over from the agent. */
  takenOver: listOf(id),
  /** A watch in another form must not hold up the reports of migrations. */
  watches: listOf(z.object({ id, watch: sourceWatch })).catch([]),
  standbys: listOf(standby).catch([]),
  /** The migrations that it has to run no more, and whose engines still write their last checkpoint. */
  stopping: listOf(id).catch([]),
  /** The migrations that have waited for one of their clusters for 20 s, by the agent's clock. */
  cutOff: listOf(id).catch([]),
  /** Its last report: all its engines have stopped, but those of `stopping`. */
  leaving: z.boolean().catch(false),
  /** The most migrations that the agent runs at once; absent for one that has no limit. */
  maxMigrations: z.number().int().positive().optional().catch(undefined),
});
export const reportRequest = z.preprocess((sent) => bounded(sent), report);
export const reportResponse = z.object({
  sequence: z.number().int(),
  /** The migrations of which the control plane lacks an earlier part of a list, so that their lists begin anew. */
  resendLists: z.array(id),
  /** The migrations of `takenOver` that the agent has to run all the same, because no other agent leads them. */
  takeBack: z.array(id),
});

/** `POST /link/v1/unlink`: the operator of the agent ends the link. */
export const unlinkRequest = z.object({});
/** `ended` is false while a migration of the agent is active. */
export const unlinkResponse = z.object({ ended: z.boolean() });

export type RedeemRequest = z.infer<typeof redeemRequest>;
export type RedeemResponse = z.infer<typeof redeemResponse>;
export type Deployment = z.infer<typeof deployment>;
export type InventoryProject = z.infer<typeof inventoryProject>;
export type Assignment = z.infer<typeof assignment>;
export type WantedAgentState = z.infer<typeof wantedState>;
export type PollRequest = z.infer<typeof pollRequest>;
/** A report as the control plane reads it. */
export type ReceivedReport = z.infer<typeof report>;
/** The entry of one migration in an agent's report. */
export type ReportedMigration = ReceivedReport['migrations'][number] & { readonly progress: Progress };
/** A report as an agent sends it. */
export type Report = Omit<ReceivedReport, 'migrations'> & { readonly migrations: readonly ReportedMigration[] };
export type ReportedStandby = z.infer<typeof standby>;
export type ReportResponse = z.infer<typeof reportResponse>;
export type { ReportedLists };
