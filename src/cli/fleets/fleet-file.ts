import { statSync } from 'node:fs';
import { z } from 'zod';
import { labels, loadWindows, note } from '../../contract/index.ts';
import { messageOf, readConfiguration, UserError } from '../../platform/index.ts';
import { OWN_PREFIX } from './fleet-labels.ts';

const MOST_BYTES = 1_000_000;
const PAGE = 'docs/operate/fleets.md';
const MOST_ENTRIES = 500;
/** A migration has 32 labels at most, of which a fleet needs three. */
const MOST_LABELS = 29;
const MOST_WAVES = 1_000;

const name = z
  .string()
  .regex(/^[A-Za-z0-9][\w.-]{0,62}$/, 'must be a name of at most 63 letters, digits, dots, dashes and underscores');
const id = z.string().regex(/^[0-9a-f]{24}$/, 'must be an id of 24 hexadecimal digits');
const text = z.string().min(1).max(255);
const places = z.int().min(1);

const entryLabels = labels
  .refine((all) => !Object.keys(all).some((one) => one.startsWith(OWN_PREFIX)), `must have no label ${OWN_PREFIX}…`)
  .refine((all) => Object.keys(all).length <= MOST_LABELS, `must have at most ${MOST_LABELS} labels`);

const entry = z.strictObject({
  name,
  agent: text,
  source: z.strictObject({
    project: id,
    cluster: text,
    username: text.optional(),
    password: text.optional(),
    ssl: z.boolean().optional(),
    caCertificatePath: text.optional(),
  }),
  destination: text,
  wave: z.int().min(1).max(MOST_WAVES).default(1),
  labels: entryLabels.default({}),
  note: note.default(null),
  loadWindows: loadWindows.default([]),
  drop: z.boolean().default(false),
  reversible: z.boolean().default(false),
  usersAndRoles: z.boolean().default(false),
});

/** A migration of a fleet, as the file describes it. */
export type Entry = z.output<typeof entry>;

const fleetFile = z
  .strictObject({
    fleet: name,
    project: id.optional(),
    destinations: z.record(text, z.strictObject({ connectionString: z.string().min(1).max(4096) })).default({}),
    limits: z
      .strictObject({
        perAgent: z.union([places, z.record(text, places)], 'must be a number from 1 on, or one for each agent'),
      })
      .optional(),
    migrations: z.array(entry).min(1).max(MOST_ENTRIES),
  })
  .superRefine(({ limits, migrations }, context) => {
    const refuse = (path: PropertyKey[], message: string) => context.addIssue({ code: 'custom', path, message });
    const names = new Set<string>();
    for (const [at, { name }] of migrations.entries()) {
      if (names.has(name)) refuse(['migrations', at, 'name'], `two entries are called ${name}`);
      names.add(name);
    }
    const agents = new Set(migrations.map(({ agent }) => agent));
    for (const agent of Object.keys(Object(limits?.perAgent)))
      if (!agents.has(agent)) refuse(['limits', 'perAgent', agent], 'no migration names this agent');
  });

/** A fleet: migrations that are created together, in waves. */
export type Fleet = z.output<typeof fleetFile>;

/**
 * Reads a fleet file. Its passwords are in environment variables or other files, so that it can be kept in a repository.
 * @throws UserError CONFIGURATION_UNREADABLE, CONFIGURATION_INVALID
 */
export function readFleet(file: string, environment?: NodeJS.ProcessEnv): Fleet {
  if (sizeOf(file) > MOST_BYTES)
    throw new UserError('CONFIGURATION_INVALID', [file, '1', 'it has more than 1 MB', PAGE]);
  return readConfiguration(file, PAGE, fleetFile, environment, true);
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch (error) {
    throw new UserError('CONFIGURATION_UNREADABLE', [file, messageOf(error)], { cause: error });
  }
}

/** Returns how many migrations of the fleet an agent may copy at once. */
export function placesOn({ limits }: Fleet, agent: string): number {
  const limit = limits?.perAgent;
  return (typeof limit === 'object' ? limit[agent] : limit) ?? Number.POSITIVE_INFINITY;
}
