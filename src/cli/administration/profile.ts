import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { readConfiguration, UserError } from '../../platform/index.ts';

const profile = z.strictObject({
  url: z.string().optional(),
  /** Where plain HTTP is allowed: `loopback` or `anywhere`. */
  plainHttp: z.string().optional(),
  publicKey: z.string().optional(),
  privateKey: z.string().optional(),
  clientId: z.string().optional(),
  clientSecret: z.string().optional(),
  orgId: z.string().optional(),
  projectId: z.string().optional(),
});

/** The server, the credentials, and the default organization and project. */
export type Profile = z.output<typeof profile>;

const PAGE = 'docs/operate/administration.md';

export const VARIABLES: Readonly<Record<keyof Profile, string>> = {
  url: 'LINKSPAN_URL',
  plainHttp: 'LINKSPAN_PLAIN_HTTP',
  publicKey: 'LINKSPAN_PUBLIC_KEY',
  privateKey: 'LINKSPAN_PRIVATE_KEY',
  clientId: 'LINKSPAN_CLIENT_ID',
  clientSecret: 'LINKSPAN_CLIENT_SECRET',
  orgId: 'LINKSPAN_ORG_ID',
  projectId: 'LINKSPAN_PROJECT_ID',
};

/**
 * Reads a profile from the file. Environment variables override its fields.
 * @param name  name of the profile; `default` needs no file
 * @throws UserError CONFIGURATION_INVALID, USAGE
 */
export function readProfile(name = 'default', environment: NodeJS.ProcessEnv = process.env): Profile {
  const folder = environment.XDG_CONFIG_HOME ?? join(homedir(), '.config');
  const file = environment.LINKSPAN_CONFIG_FILE ?? join(folder, 'linkspan', 'profiles.yaml');
  const profiles = existsSync(file) ? readConfiguration(file, PAGE, z.record(z.string(), profile), environment) : {};
  const found = profiles[name];
  if (!found && name !== 'default') throw new UserError('USAGE', [`There is no profile ${name} in ${file}`]);
  const overlay = Object.entries(VARIABLES).flatMap(([field, variable]) =>
    environment[variable] ? [[field, environment[variable]]] : [],
  );
  return { ...found, ...Object.fromEntries(overlay) };
}
