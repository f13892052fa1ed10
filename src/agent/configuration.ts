import { hostname } from 'node:os';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { LEAST_MEMORY_MEGABYTES } from '../engine/index.ts';
import { isId, readConfiguration } from '../platform/index.ts';

const deployment = z.strictObject({
  /** What the Atlas API calls the source's `clusterName`. */
  name: z.string().min(1),
  uri: z
    .string()
    .regex(/^mongodb(\+srv)?:\/\//, 'expected a connection string that begins with mongodb:// or mongodb+srv://'),
  tlsCaFile: z.string().optional(),
});

const project = z.strictObject({
  id: z.string().refine(isId, 'expected 24 lower-case hexadecimal digits (any; they name the project in the API)'),
  name: z.string().min(1),
  deployments: z.array(deployment).min(1),
});

const schema = z.strictObject({
  host: z.string().min(1).optional(),
  dataDir: z.string().min(1).optional(),
  projects: z
    .array(project)
    .min(1)
    .refine((projects) => unique(projects.map(({ id }) => id)), 'two projects have the same id')
    .refine(
      (projects) => projects.every(({ deployments }) => unique(deployments.map(({ name }) => name))),
      'two deployments of one project have the same name',
    ),
  memoryMegabytes: z.number().min(LEAST_MEMORY_MEGABYTES).optional(),
  copy: z.strictObject({ maxMegabytesPerSecond: z.number().positive().optional() }).optional(),
});

type SourceProject = z.infer<typeof project>;
export type SourceDeployment = z.infer<typeof deployment>;

/** What an operator of the source says to the agent, with everything filled in. */
export interface AgentConfiguration {
  /** The name by which the API asks for this agent (`migrationHosts`); this machine's host name by default. */
  readonly host: string;
  /** Where the agent keeps its key and its link; `./linkspan-agent` by default. Relative paths begin at the configuration file. */
  readonly dataDir: string;
  readonly projects: readonly SourceProject[];
  /** What each migration that runs may take in all. */
  readonly memoryBytes?: number;
  /** Upper limit of the initial copy. */
  readonly copyBytesPerSecond?: number;
}

/**
 * Reads the agent's configuration file.
 * @throws UserError CONFIGURATION_UNREADABLE or CONFIGURATION_INVALID with the line and the key
 */
export function readAgentConfiguration(file: string, environment = process.env): AgentConfiguration {
  const { host, dataDir, projects, memoryMegabytes, copy } = readConfiguration(file, schema, environment);
  const megabytes = copy?.maxMegabytesPerSecond;
  return {
    host: host ?? hostname(),
    // Paths in a file are relative to the file: a service manager starts the agent from anywhere.
    dataDir: resolve(dirname(file), dataDir ?? 'linkspan-agent'),
    projects: projects.map((entry) => ({
      ...entry,
      deployments: entry.deployments.map((one) => ({
        ...one,
        tlsCaFile: one.tlsCaFile && resolve(dirname(file), one.tlsCaFile),
      })),
    })),
    memoryBytes: memoryMegabytes && memoryMegabytes * 1e6,
    copyBytesPerSecond: megabytes && Math.round(megabytes * 1e6),
  };
}

function unique(names: readonly string[]): boolean {
  return new Set(names).size === names.length;
}
