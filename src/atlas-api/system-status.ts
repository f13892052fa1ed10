import { z } from 'zod';
import { findOwnApiKey } from '../control/index.ts';
import { version as release } from '../platform/index.ts';
import { showAddress } from './access-lists.ts';
import { roleAssignment, showRoles } from './api-key-schemas.ts';
import { defineOperation } from './operation.ts';
import { id, link } from './schemas.ts';

const systemStatus = z
  .object({
    apiKey: z
      .object({
        accessList: z.array(z.object({ cidrBlock: z.string(), ipAddress: z.string().optional() })),
        id,
        publicKey: z.string(),
        roles: z.array(roleAssignment),
      })
      .nullable()
      .meta({ description: 'The API key of the request; null if a service account sent it.' }),
    appName: z.literal('MongoDB Atlas').meta({ description: "The value that Atlas's clients expect." }),
    build: z.string(),
    links: z.array(link),
    throttling: z.boolean(),
  })
  .meta({ id: 'SystemStatus' });

export type SystemStatus = z.output<typeof systemStatus>;

export const systemStatusOperations = [
  defineOperation({
    operationId: 'getSystemStatus',
    summary: 'Return the status of this API, and the API key of the request',
    status: 200,
    versions: [{ version: '2023-01-01' }],
    response: systemStatus,
    handle: async ({ control, actor, address }) => {
      const key = await findOwnApiKey(control, actor);
      return {
        apiKey: key && {
          accessList: key.accessList.map(showAddress),
          id: key.id,
          publicKey: key.name,
          roles: showRoles(key),
        },
        appName: 'MongoDB Atlas',
        build: `linkspan ${release}`,
        links: [{ href: address, rel: 'self' }],
        throttling: false,
      };
    },
  }),
];
