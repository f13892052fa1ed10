import { hostname } from 'node:os';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { type CompressionMode, compressionMode, type VerificationMode } from '../contract/index.ts';
import { DEFAULT_MEMORY_MEGABYTES, LEAST_MEMORY_MEGABYTES } from '../engine/index.ts';
import { agentName, MOST_OFFERS } from '../link/index.ts';
import {
  type AllowedDestinations,
  isAllowedDestination,
  type MetricsFile,
  memoryOfHost,
  metricsFile,
  readConfiguration,
} from '../platform/index.ts';

const deployment = z.strictObject({
  name: z.string().min(1).meta({ description: "The source's clusterName in the API." }),
  uri: z
    .string()
    .regex(/^mongodb(\+srv)?:\/\//, 'expected a connection string that begins with mongodb:// or mongodb+srv://')
    .meta({ description: "Connection string of the cluster, with the agent's own credentials." }),
  tlsCaFile: z.string().optional().meta({ description: "PEM file of the CA of the servers' certificates." }),
});

const project = z.strictObject({
  id: z
    .string()
    .regex(
      /^[0-9a-f]{24}$/,
      'expected 24 lower-case hexadecimal digits (of your choice; they name the project in the API)',
    )
    .meta({ description: "24 hexadecimal digits of your choice: the source's groupId in the API." }),
  name: z.string().min(1),
  deployments: z.array(deployment).min(1),
});

const projects = z
  .array(project)
  .min(1)
  .refine((all) => unique(all.map(({ id }) => id)), 'two projects have the same id')
  .refine(
    (all) => all.every(({ deployments }) => unique(deployments.map(({ name }) => name))),
    'two deployments of one project have the same name',
  );

/** The agent's configuration file. A script generates `deploy/agent.schema.json` from this schema. */
export const agentFile = z
  .strictObject({
    host: agentName
      .optional()
      .meta({ description: "Name of this agent in the API (migrationHosts); default: the machine's host name." }),
    dataDir: z
      .string()
      .min(1)
      .optional()
      .meta({ description: "Directory of the agent's key and link; default: linkspan-agent beside this file." }),
    plainHttp: z
      .enum(['loopback', 'anywhere'])
      .optional()
      .meta({ description: 'Where plain HTTP to the control plane is allowed; default: loopback.' }),
    allowedDestinations: z
      .array(
        z
          .string()
          .refine(
            isAllowedDestination,
            'expected a host name, *.example.com, an address, or a block such as 10.0.0.0/8',
          ),
      )
      .min(1)
      .optional()
      .meta({
        description:
          "Host names (*.example.com for all below), addresses and CIDR blocks that destinations may have; default: all except this machine's own.",
      }),
    projects: projects.optional().meta({ description: 'The source clusters, for an agent that runs migrations.' }),
    digests: projects
      .refine((all) => all.flatMap(({ deployments }) => deployments).length <= MOST_OFFERS, `more than ${MOST_OFFERS}`)
      .optional()
      .meta({
        description:
          'The destination clusters, for a digest helper, which runs no migrations: projects and clusters as the API names them. The users in the connection strings need only readAnyDatabase and clusterMonitor.',
      }),
    opsManagerApi: z
      .strictObject({
        listen: z
          .string()
          .regex(
            /^(127(\.\d{1,3}){3}|\[::1\]|localhost):\d{1,5}$/,
            'expected a loopback address, such as 127.0.0.1:8081',
          )
          .meta({ description: 'Loopback address, such as 127.0.0.1:8081.' }),
        orgId: z
          .string()
          .regex(/^[0-9a-f]{24}$/, 'expected 24 lower-case hexadecimal digits')
          .meta({ description: "The source's organization, 24 hexadecimal digits of your choice." }),
        publicKey: z.string().min(1).meta({ description: 'The user name of HTTP digest.' }),
        privateKey: z.string().min(16).meta({ description: 'The password of HTTP digest.' }),
      })
      .optional()
      .meta({
        description:
          "Serves Ops Manager's calls that link and unlink the source; without it the agent listens on no port.",
      }),
    memoryMegabytes: z
      .number()
      .min(LEAST_MEMORY_MEGABYTES)
      .optional()
      .meta({ description: 'Memory limit of each migration, in megabytes; default: 512.' }),
    maxMigrations: z.int().min(1).max(1_000).optional().meta({
      description:
        'The most migrations to run at once, reversible ones until their failback is closed; further ones wait. Default: the memory of the machine or container, divided by memoryMegabytes.',
    }),
    verification: z.enum(['repair', 'report', 'off']).optional().meta({
      description:
        'How migrations are verified; default: repair, which writes documents that differ again. report changes nothing and refuses the cutover while something differs; off compares nothing.',
    }),
    compression: compressionMode.optional(),
    acceptUntriedVersion: z.boolean().optional().meta({
      description:
        'Whether to migrate although a server is newer than those that this version of Linkspan knows; default: false.',
    }),
    metrics: metricsFile.optional(),
    copy: z
      .strictObject({
        maxMegabytesPerSecond: z
          .number()
          .positive()
          .optional()
          .meta({ description: 'Upper limit of the initial sync.' }),
      })
      .optional(),
  })
  // Migrations and digests are for hosts on opposite sides.
  .refine(({ projects, digests }) => (projects === undefined) !== (digests === undefined), {
    path: ['projects'],
    error: 'expected either projects, to run migrations, or digests, to be a digest helper',
  })
  // The same for JSON Schema, which has no refinements.
  .meta({ title: 'Configuration of linkspan agent', oneOf: [{ required: ['projects'] }, { required: ['digests'] }] });

export type OpsManagerApiSettings = NonNullable<z.infer<typeof agentFile>['opsManagerApi']>;
type SourceProject = z.infer<typeof project>;
export type SourceDeployment = z.infer<typeof deployment>;

/** The agent's configuration with defaults filled in. */
export interface AgentConfiguration {
  /** Name of this agent in the API (`migrationHosts`); default: this machine's host name. */
  readonly host: string;
  /** Directory of the agent's key and link; default: `./linkspan-agent`. Relative paths start at the configuration file. */
  readonly dataDir: string;
  readonly plainHttp: 'loopback' | 'anywhere';
  /** Hosts and addresses that destinations may have; undefined: all except this machine's own. */
  readonly allowedDestinations?: AllowedDestinations;
  /** Empty for a digest helper. */
  readonly projects: readonly SourceProject[];
  /** The destinations that a digest helper reads; absent for an agent that runs migrations. */
  readonly digests?: readonly SourceProject[];
  /** Memory limit of each running migration. */
  readonly memoryBytes?: number;
  /** The most migrations to run at once; undefined for no limit. A file always gives one. */
  readonly maxMigrations?: number;
  readonly opsManagerApi?: OpsManagerApiSettings;
  readonly metrics?: MetricsFile;
  /** How migrations are verified; default: the engine's, `REPAIR`. */
  readonly verification?: VerificationMode;
  /** Compression of the connections to sources and destinations; `auto` by default. */
  readonly compression?: CompressionMode;
  /** Whether to migrate although a server is newer than those that Linkspan knows. */
  readonly acceptUntriedVersion?: boolean;
  /** Upper limit of the initial sync. */
  readonly copyBytesPerSecond?: number;
}

/**
 * Reads the agent's configuration file.
 * @throws UserError CONFIGURATION_UNREADABLE or CONFIGURATION_INVALID with the line and the key
 */
export function readAgentConfiguration(file: string, environment = process.env): AgentConfiguration {
  const {
    host,
    dataDir,
    plainHttp = 'loopback',
    allowedDestinations,
    projects = [],
    digests,
    opsManagerApi,
    memoryMegabytes,
    maxMigrations = placesIn(memoryOfHost(), memoryMegabytes),
    verification,
    compression,
    acceptUntriedVersion,
    metrics,
    copy,
  } = readConfiguration(file, 'docs/operate/agent.md', agentFile, environment);
  const megabytes = copy?.maxMegabytesPerSecond;
  return {
    host: host ?? hostname(),
    // Paths are relative to the file, because a service manager starts the agent in any directory.
    dataDir: resolve(dirname(file), dataDir ?? 'linkspan-agent'),
    plainHttp,
    allowedDestinations,
    opsManagerApi,
    projects: projects.map((one) => withPaths(one, file)),
    ...(digests && { digests: digests.map((one) => withPaths(one, file)) }),
    ...(verification && { verification: verification.toUpperCase() as Uppercase<typeof verification> }),
    ...(compression && { compression }),
    ...(acceptUntriedVersion === undefined ? {} : { acceptUntriedVersion }),
    ...(metrics && {
      metrics: { ...metrics, tokenFile: metrics.tokenFile && resolve(dirname(file), metrics.tokenFile) },
    }),
    memoryBytes: memoryMegabytes && memoryMegabytes * 1e6,
    maxMigrations,
    copyBytesPerSecond: megabytes && Math.round(megabytes * 1e6),
  };
}

/** Makes the paths of a project absolute, from the configuration file on. */
function withPaths({ deployments, ...rest }: SourceProject, file: string): SourceProject {
  const absolute = (path: string | undefined) => path && resolve(dirname(file), path);
  return { ...rest, deployments: deployments.map((one) => ({ ...one, tlsCaFile: absolute(one.tlsCaFile) })) };
}

/** How many migrations fit into a memory, one at least. */
function placesIn(memoryBytes: number, megabytesEach = DEFAULT_MEMORY_MEGABYTES): number {
  return Math.max(1, Math.floor(memoryBytes / (megabytesEach * 1e6)));
}

function unique(names: readonly string[]): boolean {
  return new Set(names).size === names.length;
}
