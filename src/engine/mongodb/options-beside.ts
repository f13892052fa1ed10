import type { MongoClient, MongoClientOptions } from 'mongodb';

/**
 * Returns the options of a client that reads past another one: with its user, its TLS options and its times. The credentials go into the
 * connection string, which begins with the second value.
 */
export function optionsBeside({ options }: MongoClient): [options: MongoClientOptions, login: string] {
  const { credentials, connectTimeoutMS, heartbeatFrequencyMS, maxIdleTimeMS, serverSelectionTimeoutMS, ...rest } =
    options;
  const { username = '', password = '', source, mechanism, mechanismProperties = {} } = credentials ?? {};
  const login = [username, password].filter((part) => part !== '').map(encodeURIComponent);
  const tls = Object.fromEntries(Object.entries(rest).filter(([name]) => name.startsWith('tls')));
  return [
    {
      ...tls,
      ...(credentials && { authSource: source }),
      ...(credentials && mechanism !== 'DEFAULT' && { authMechanism: mechanism }),
      ...(Object.keys(mechanismProperties).length > 0 && { authMechanismProperties: mechanismProperties }),
      appName: rest.appName,
      readConcern: { level: 'majority' },
      retryReads: false,
      retryWrites: false,
      connectTimeoutMS,
      heartbeatFrequencyMS,
      maxIdleTimeMS,
      serverSelectionTimeoutMS,
    },
    login.length === 0 ? 'mongodb://' : `mongodb://${login.join(':')}@`,
  ];
}
