import { z } from 'zod';
import { labels, note } from '../contract/index.ts';
import type { OrderRequest } from '../control/index.ts';
import { issueOf } from '../http/index.ts';
import { absentOrText, id } from './schemas.ts';

/**
 * The body of validate and liveMigrations in both of its versions. The official CLI sends `""` for missing values, even for user name and
 * password with managedAuthentication. So an empty string means that the value is absent (docs/reference/atlas-contract.md).
 */
const clusterName = z.string().min(1).max(255);

const source = z
  .strictObject({
    clusterName,
    groupId: id,
    managedAuthentication: z.boolean().meta({
      description: "True: the credentials are in the agent's configuration, and username and password must be absent.",
    }),
    ssl: z.boolean(),
    username: absentOrText,
    password: absentOrText,
    caCertificatePath: absentOrText,
  })
  .meta({ id: 'Source' });

const destination = z
  .strictObject({
    clusterName,
    groupId: id,
    hostnameSchemaType: z.enum(['PUBLIC', 'PRIVATE_LINK', 'VPC_PEERING', '']).nullish().meta({
      description: "Accepted without effect, for compatibility: agents use the registered cluster's connection string.",
    }),
    privateLinkId: absentOrText,
  })
  .meta({ id: 'Destination' });

const common = {
  source,
  destination,
  migrationHosts: z.tuple([z.string().min(1).max(255)]).meta({ description: 'The host of one linked agent.' }),
  linkspan: z
    .strictObject({
      reversible: z.boolean().optional().meta({
        description:
          'Whether the old source follows the destination after the cutover, so that users can return to it.',
      }),
      usersAndRoles: z.boolean().optional().meta({
        description: "Whether the cutover migrates the source's users and custom roles, too.",
      }),
      digestsBy: z.string().min(1).max(255).nullish().meta({
        description:
          'Host name of a digest helper beside the destination: the verification then reads only ranges whose digests differ. By default it reads all documents.',
      }),
      labels: labels.optional(),
      note: note.optional(),
    })
    .meta({ id: 'LinkspanMigrationRequest' })
    .nullish()
    .meta({ description: 'Extension.', 'x-linkspan-extension': true }),
  sharding: z
    .unknown()
    .optional()
    .meta({ description: 'Not supported: Linkspan migrates to replica sets.', type: 'object' }),
};

/**
 * The headers of versions that 2024-05-30 has superseded, recorded from Atlas's other operations of that date
 * (docs/reference/atlas-contract.md). The day is not padded with a zero.
 */
const SUPERSEDED = { deprecation: 'Thu, 30 May 2024 00:00:00 GMT', sunset: 'Thu, 1 Jul 2027 00:00:00 GMT' };

const migrationRequest20230101 = z
  .strictObject({ ...common, dropEnabled: z.boolean() })
  .meta({ id: 'LiveMigrationRequest' })
  .transform((body, context) => toOrder(body, body.dropEnabled, context));

const migrationRequest20240530 = z
  .strictObject({ ...common, dropDestinationData: z.boolean().nullish() })
  .meta({ id: 'LiveMigrationRequest20240530' })
  .transform((body, context) => toOrder(body, body.dropDestinationData ?? false, context));

export type MigrationRequest = z.input<typeof migrationRequest20240530>;

/** The versions of the operations with this body. */
export const migrationRequestVersions = [
  { version: '2023-01-01', body: migrationRequest20230101, superseded: SUPERSEDED },
  { version: '2024-05-30', body: migrationRequest20240530 },
] as const;

type CommonBody = z.output<z.ZodObject<typeof common>>;

function toOrder(body: CommonBody, dropDestination: boolean, context: z.RefinementCtx): OrderRequest {
  const { source, destination, migrationHosts } = body;
  if (body.sharding !== undefined && body.sharding !== null) {
    context.addIssue(issueOf('SHARDING_NOT_SUPPORTED', []));
  }
  if (source.managedAuthentication && (source.username !== null || source.password !== null)) {
    const what = 'source: username and password must not be given with managedAuthentication';
    context.addIssue(issueOf('VALIDATION_ERROR', [what]));
  }
  const { groupId, clusterName, username, password, ssl, caCertificatePath } = source;
  return {
    migrationHost: migrationHosts[0],
    source: { groupId, clusterName, username, password, ssl, caCertificatePath },
    destination: { groupId: destination.groupId, clusterName: destination.clusterName },
    dropDestination,
    reversible: body.linkspan?.reversible ?? false,
    usersAndRoles: body.linkspan?.usersAndRoles ?? false,
    digestsBy: body.linkspan?.digestsBy ?? null,
    labels: body.linkspan?.labels ?? {},
    note: body.linkspan?.note ?? null,
  };
}
