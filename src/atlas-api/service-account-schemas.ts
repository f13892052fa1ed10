import { z } from 'zod';
import type { MadeSecret, MadeServiceAccount, ServiceAccount, ServiceAccountSecret } from '../control/index.ts';
import { atlasDate } from '../http/index.ts';
import { organizationRoles } from './api-key-schemas.ts';
import { id, name } from './schemas.ts';

/** Atlas's limits for the lifetime of a secret. */
const MIN_SECRET_HOURS = 8;
export const MAX_SECRET_HOURS = 8760;

const accountName = name(/^[\p{L}\p{N}\-_.,' ]*$/u, 64, "letters, digits, spaces and -_.,'");
const description = z.string().max(250);
const hours = z.int().min(MIN_SECRET_HOURS).max(MAX_SECRET_HOURS);

export const serviceAccountRequest = z
  .strictObject({ description, name: accountName, roles: organizationRoles, secretExpiresAfterHours: hours })
  .meta({ id: 'OrgServiceAccountRequest' });
export const serviceAccountUpdate = z
  .strictObject({
    description: description.optional(),
    name: accountName.optional(),
    roles: organizationRoles.optional(),
  })
  .meta({ id: 'OrgServiceAccountUpdateRequest' });
export const secretRequest = z
  .strictObject({ secretExpiresAfterHours: hours })
  .meta({ id: 'ServiceAccountSecretRequest' });

export const serviceAccountSecret = z
  .object({
    createdAt: z.iso.datetime(),
    expiresAt: z.iso
      .datetime()
      .nullable()
      .meta({ description: 'Null for a secret that the operator set at the start of the server.' }),
    id,
    maskedSecretValue: z.string().optional(),
    secret: z.string().optional().meta({ description: 'Shown only in the answer that creates the secret.' }),
  })
  .meta({ id: 'ServiceAccountSecret' });

export const serviceAccount = z
  .object({
    clientId: z.string(),
    createdAt: z.iso.datetime(),
    description: z.string(),
    name: z.string(),
    roles: z.array(z.string()),
    secrets: z.array(serviceAccountSecret),
  })
  .meta({ id: 'OrgServiceAccount' });

export type ShownServiceAccount = z.output<typeof serviceAccount>;

export function showAccount(account: ServiceAccount): z.output<typeof serviceAccount> {
  const { name: clientId, createdAtMs, description: text, title, roles, secrets } = account;
  return {
    clientId,
    createdAt: atlasDate(createdAtMs),
    description: text,
    name: title,
    roles: [...roles],
    secrets: secrets.map(showSecret),
  };
}

/** The answer that creates an account, which contains its first secret. */
export function showMadeAccount({ account, made }: MadeServiceAccount): z.output<typeof serviceAccount> {
  return { ...showAccount(account), secrets: [showMadeSecret(made)] };
}

/** The answer that creates a secret, which contains the secret. */
export function showMadeSecret({ record, secret }: MadeSecret): z.output<typeof serviceAccountSecret> {
  const { maskedSecretValue: _, ...shown } = showSecret(record);
  return { ...shown, secret };
}

function showSecret({ id: secretId, end, createdAtMs, expiresAtMs }: ServiceAccountSecret) {
  return {
    createdAt: atlasDate(createdAtMs),
    expiresAt: expiresAtMs === null ? null : atlasDate(expiresAtMs),
    id: secretId,
    maskedSecretValue: `mdb_sa_sk_...${end ?? ''}`,
  };
}
