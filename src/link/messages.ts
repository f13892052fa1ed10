import { z } from 'zod';
import type { Finding, Progress } from '../engine/index.ts';
import { agentName, reportList, reportText } from './report-text.ts';
import { reportedFinding } from './reported-finding.ts';
import { reportedProgress } from './reported-progress.ts';

/** The messages between an agent and the control plane. All travel as JSON over HTTPS, from the agent. */
const id = z.string().regex(/^[0-9a-f]{24}$/);

/** `POST /link/v1/redeem`, signed with the key it carries. */
export const redeemRequest = z.object({
  token: z.string(),
  /** Ed25519 public key, raw 32 bytes, base64url. */
  publicKey: z.string(),
  host: agentName,
  version: agentName,
});
export const redeemResponse = z.object({ agentId: id, linkId: id, orgId: id });

/** What a deployment of the source looks like; the fields of Atlas's AvailableClustersDeployment. */
const deployment = z.object({
  name: reportText,
  clusterId: id.optional(),
  managed: z.boolean(),
  sharded: z.boolean(),
  shardsSize: z.number().optional(),
  tlsEnabled: z.boolean(),
  mongoDBVersion: reportText,
  featureCompatibilityVersion: reportText,
  agentVersion: reportText.optional(),
  dbSizeBytes: z.number().optional(),
  oplogSizeMB: z.number().optional(),
});

/** A project as the agent's configuration names it. */
const inventoryProject = z.object({
  projectId: id,
  name: reportText,
  deployments: reportList(deployment),
});

/** What is to be moved where. Handed to the agent that was asked for by `migrationHosts`. */
const assignment = z.object({
  source: z.object({
    projectId: id,
    clusterName: z.string(),
    /** Absent: the credentials of the agent's own configuration. */
    username: z.string().optional(),
    password: z.string().optional(),
    ssl: z.boolean(),
    caCertificatePath: z.string().optional(),
  }),
  destination: z.object({ uri: z.string() }),
  dropDestination: z.boolean(),
});

/** The wanted state of everything that concerns one agent. */
export const wantedState = z.object({
  /** Opaque; changes whenever anything below does. */
  revision: z.string(),
  /** Public keys of this control plane, the newest first: from here on the agent trusts these and no others. */
  serverKeys: z.array(z.string()).min(1),
  /** When somebody last wanted to see the inventory: a time that is new to the agent has it look again. */
  inventoryWantedAtMs: z.number().optional(),
  validations: z.array(z.object({ id, assignment })),
  migrations: z.array(
    z.object({
      id,
      assignment,
      wanted: z.enum(['running', 'paused', 'cutover', 'cancelled']),
      /** How hard the engine may work; 3 where an older server says nothing. */
      loadLevel: z.literal([1, 2, 3, 4]).default(3),
      /** Upper limit of the initial copy; null for none. */
      copyMegabytesPerSecond: z.number().positive().nullable().default(null),
      /** Whether drops are followed whatever they take. */
      dropsConfirmed: z.boolean().default(false),
      /** With `cancelled`: whether what was copied is dropped too. */
      dropCopied: z.boolean().default(false),
    }),
  ),
});

/** `POST /link/v1/poll`: answers at once when the revision differs, else when it changes or after `waitSeconds`. */
export const pollRequest = z.object({
  revision: z.string().nullable(),
  waitSeconds: z.number().int().min(0).max(60),
  /** X25519, raw, base64url: what the answer is sealed to. */
  answerKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
});
/** A wanted state has passwords: whatever stands between both ends and reads along (a proxy, a load balancer) is not to see them. */
export const pollResponse = z.object({
  /** The JSON of a {@link wantedState}, sealed to the request's key. */
  sealed: z.string(),
});

/** `POST /link/v1/report`: what is the case now; repeating it is harmless. Older sequence numbers are ignored; they begin at the time, so that they grow over restarts. */
export const reportRequest = z.object({
  sequence: z.number().int().nonnegative(),
  inventory: reportList(inventoryProject).optional(),
  validations: reportList(
    z.object({
      id,
      status: z.enum(['SUCCESS', 'FAILED']),
      errorMessage: reportText.nullable(),
      /** None where an older agent says nothing. */
      findings: reportList(reportedFinding).default([]),
    }),
  ),
  migrations: reportList(z.object({ id, progress: reportedProgress })),
});
export const reportResponse = z.object({ sequence: z.number().int() });

/** `POST /link/v1/unlink`: the source's owner has ended the link. */
export const unlinkRequest = z.object({});
/** Not ended while a migration of the agent has not. */
export const unlinkResponse = z.object({ ended: z.boolean() });

export type RedeemRequest = z.infer<typeof redeemRequest>;
export type RedeemResponse = z.infer<typeof redeemResponse>;
export type Deployment = z.infer<typeof deployment>;
export type InventoryProject = z.infer<typeof inventoryProject>;
export type Assignment = z.infer<typeof assignment>;
export type WantedAgentState = z.infer<typeof wantedState>;
export type PollRequest = z.infer<typeof pollRequest>;
export type Report = z.infer<typeof reportRequest>;
export type { Finding, Progress };
