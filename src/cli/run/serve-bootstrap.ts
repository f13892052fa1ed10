import { type BootstrapOptions, CLIENT_ID_PATTERN } from '../../control/index.ts';
import { isId, messageOf, readPrivateFile, UserError } from '../../platform/index.ts';

/** The flags for what the first start creates. Each secret is given as it is, or as a file. */
export interface BootstrapFlags {
  readonly bootstrapOrgId?: string;
  readonly bootstrapPublicKey?: string;
  readonly bootstrapPrivateKey?: string;
  readonly bootstrapPrivateKeyFile?: string;
  readonly bootstrapClientId?: string;
  readonly bootstrapClientSecret?: string;
  readonly bootstrapClientSecretFile?: string;
}

/** The store has fast hashes of private keys, so an attacker could guess short keys from a stolen store. */
const MIN_PRIVATE_KEY_LENGTH = 16;
const MIN_CLIENT_SECRET_LENGTH = 32;

/**
 * @param accessList  from where the first key and account may be used; undefined for anywhere
 * @throws UserError USAGE, SECRET_FILE_UNUSABLE
 */
export function readBootstrap(flags: BootstrapFlags, accessList: BootstrapOptions['accessList']): BootstrapOptions {
  const { bootstrapOrgId: orgId, bootstrapPublicKey: publicKey } = flags;
  const { bootstrapPrivateKey, bootstrapPrivateKeyFile } = flags;
  const privateKey = readSecret('--bootstrap-private-key', bootstrapPrivateKey, bootstrapPrivateKeyFile);
  if (orgId !== undefined && !isId(orgId)) {
    throw new UserError('USAGE', ['--bootstrap-org-id does not have 24 lower-case hexadecimal digits']);
  }
  if (publicKey !== undefined && !/^[\w-]{1,64}$/.test(publicKey)) {
    throw new UserError('USAGE', ['--bootstrap-public-key may only contain letters, digits, - and _, up to 64']);
  }
  if (privateKey !== undefined && privateKey.length < MIN_PRIVATE_KEY_LENGTH) {
    throw new UserError('USAGE', [`--bootstrap-private-key is shorter than ${MIN_PRIVATE_KEY_LENGTH} characters`]);
  }
  return { orgId, publicKey, privateKey, accessList, serviceAccount: readServiceAccount(flags) };
}

function readServiceAccount(flags: BootstrapFlags): BootstrapOptions['serviceAccount'] {
  const { bootstrapClientId: clientId, bootstrapClientSecret, bootstrapClientSecretFile } = flags;
  const secret = readSecret('--bootstrap-client-secret', bootstrapClientSecret, bootstrapClientSecretFile);
  if (clientId === undefined && secret === undefined) return undefined;
  if (clientId === undefined || secret === undefined) {
    throw new UserError('USAGE', ['A service account needs both --bootstrap-client-id and --bootstrap-client-secret']);
  }
  if (!CLIENT_ID_PATTERN.test(clientId)) {
    throw new UserError('USAGE', ['--bootstrap-client-id is not mdb_sa_id_ with 24 hexadecimal digits']);
  }
  if (secret.length < MIN_CLIENT_SECRET_LENGTH) {
    throw new UserError('USAGE', [`--bootstrap-client-secret is shorter than ${MIN_CLIENT_SECRET_LENGTH} characters`]);
  }
  return { clientId, secret };
}

function readSecret(flag: string, given: string | undefined, file: string | undefined): string | undefined {
  if (file === undefined) return given;
  if (given !== undefined) throw new UserError('USAGE', [`${flag} and ${flag}-file exclude each other`]);
  try {
    return readPrivateFile(file, 'create a new secret in a file of mode 600').trim();
  } catch (error) {
    throw new UserError('SECRET_FILE_UNUSABLE', [`${flag}-file`, file, messageOf(error)]);
  }
}
