import { z } from 'zod';
import type { MadeSecret, MadeServiceAccount, ServiceAccount, ServiceAccountSecret } from '../control/index.ts';
import { atlasDate } from '../http/index.ts';
import { organizationRoles } from './api-key-schemas.ts';
import { id, name } from './schemas.ts';

/** Atlas's bounds of a secret's life. */
const MIN_SECRET_HOURS = 8;
export const MAX_SECRET_HOURS = 8760;

const accountName = name(/^[\p{L}\p{N}\-_.,' ]*$/u, 64);
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
    expiresAt: z.iso.datetime().nullable().meta({ description: 'Null of one that the server was started with.' }),
    id,
    maskedSecretValue: z.string().optional(),
    secret: z.string().optional().meta({ description: 'In the answer that makes the secret, and never again.' }),
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

export function showAccount(account: ServiceAccount): z.output<typeof serviceAccount> {
  const { clientId, createdAtMs, description: text, name: called, roles, secrets } = account;
  return {
    clientId,
    createdAt: atlasDate(createdAtMs),
    description: text,
    name: called,
    roles: [...roles],
    secrets: secrets.map(showSecret),
  };
}

/** An account as it is shown when it is made. */
export function showMadeAccount({ account, made }: MadeServiceAccount): z.output<typeof serviceAccount> {
  return { ...showAccount(account), secrets: [showMadeSecret(made)] };
}

/** A secret as it is shown when it is made. */
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
