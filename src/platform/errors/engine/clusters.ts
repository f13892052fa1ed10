import { defineErrors } from '../define.ts';

/** Errors of connection strings, connections and clusters that a migration cannot use. */
export const clusterErrors = defineErrors('migration', {
  SOURCE_UNREACHABLE: {
    status: 400,
    retry: 'transient',
    detail: 'The source cannot be reached: %.',
    remedy: 'Check host names, ports, firewalls and TLS settings from the migration host.',
  },
  DESTINATION_UNREACHABLE: {
    status: 400,
    retry: 'transient',
    detail: 'The destination cannot be reached: %.',
    remedy: 'Check host names, ports, firewalls and TLS settings from the migration host.',
  },
  INVALID_CONNECTION_STRING: {
    status: 400,
    detail: 'The connection string of the % is not valid: %.',
    remedy:
      'Use a string of the form mongodb://user:password@host1,host2/?replicaSet=name, with user and password percent-encoded.',
  },
  WEAK_CONNECTION_OPTION: {
    status: 400,
    detail: 'The connection string of the % sets %, which a migration does not allow.',
    remedy:
      'Remove the option. Linkspan reads with read concern majority, writes with write concern majority, and decides by what primaries say. ' +
      'readPreference=secondaryPreferred lets secondaries of the source answer the bulk reads.',
  },
  UNSUPPORTED_CONNECTION_OPTION: {
    status: 400,
    detail: 'The connection string of the % has %=%, for which Linkspan lacks the module.',
    remedy:
      'Compressors are zstd (from Node.js 22.15), zlib and none; authMechanism is SCRAM-SHA-256, SCRAM-SHA-1, MONGODB-X509 or PLAIN. Use one of these.',
  },
  COMPRESSED_REPLY_REFUSED: {
    status: 400,
    detail: 'The % sent a compressed reply that Linkspan does not decompress: %.',
    remedy:
      'Check that the addresses are those of a MongoDB server, and that nothing between changes its messages. Use TLS, or set compression: off.',
  },
  WRONG_REPLICA_SET: {
    status: 400,
    retry: 'transient',
    detail: 'The server % of the % belongs to replica set `%`, but the connection string says `%`.',
    remedy: "Set replicaSet in the connection string to the server's replica set name, or correct the host names.",
  },
  REPLICA_SET_NOT_INITIATED: {
    status: 400,
    retry: 'transient',
    detail: 'The server % of the % answers, but it has no configuration of a replica set.',
    remedy:
      'If the set is new, run rs.initiate() in mongosh on one of its members. If it exists, correct the host names in the connection string, or add this server to it with rs.add().',
  },
  AUTHENTICATION_FAILED: {
    status: 400,
    detail: 'The % refused the user name or password.',
    remedy: 'Check user, password and authSource of the connection string.',
  },
  AUTHENTICATION_REQUIRED: {
    status: 400,
    detail: 'The % requires authentication, and its connection string names no user.',
    remedy:
      'Add user and password to the connection string: mongodb://user:password@host/?authSource=admin. docs/operate/agent.md lists the roles that the user needs.',
  },
  MISSING_PRIVILEGE: {
    status: 400,
    detail: 'User % on the % lacks privileges: %.',
    remedy:
      'docs/secure/privileges.md#privileges explains each privilege. Run in mongosh, as an administrator of the %: %',
  },
  CA_FILE_UNUSABLE: {
    status: 400,
    detail: 'The CA file % for the % cannot be used: %.',
    remedy: "Use the path of a PEM file on this host that contains the certificate of the servers' CA.",
  },
  TLS_FAILED: {
    status: 400,
    detail: 'The % cannot be reached with the given TLS settings: %.',
    remedy:
      "Check that both sides use TLS or neither does, and that the CA file has the servers' CA. Check that their certificates name their hosts and have not expired.",
  },
  CONNECTION_NOT_ENCRYPTED: {
    status: 200,
    severity: 'WARNING',
    detail: 'The connection to the % is not encrypted: passwords and documents cross the network in plain text.',
    remedy: 'Set tls=true in the connection string, unless the network is private.',
  },
  STANDALONE_SERVER: {
    status: 400,
    retry: 'transient',
    detail: 'The % (%) is a standalone server: it has no oplog.',
    remedy:
      'Convert it to a replica set of one member: restart mongod with --replSet NAME (replication.replSetName in its file), run rs.initiate() in mongosh, and set replicaSet=NAME in the connection string.',
  },
  SHARDED_CLUSTER: {
    status: 400,
    detail: 'The % (%) is a sharded cluster, which Linkspan does not support there.',
    remedy: 'Use a replica set. A sharded cluster can only be the source of a migration.',
  },
  SHARDED_SOURCE_EXPERIMENTAL: {
    status: 200,
    severity: 'WARNING',
    detail:
      'The source is a sharded cluster. This is experimental: Linkspan was tried with real shards and config servers, but not yet with a real mongos.',
    remedy: 'Read docs/plan/sharded-sources.md, and migrate a copy of the cluster first.',
  },
  SHARD_OPLOGS_UNSEEN: {
    status: 200,
    severity: 'WARNING',
    detail:
      "The oplogs of these shards of the source can't be read: %. So Linkspan can't tell how far back they reach, and how much of them is left.",
    remedy:
      'Let this host connect to all members of each shard, and create the user of the source on each shard, too (docs/plan/sharded-sources.md). Otherwise, keep the oplog of each shard longer than the copy takes, and at least an hour.',
  },
  CONFIG_SHARD: {
    status: 400,
    detail:
      "The source's config server is one of its shards, as MongoDB 8.0 and newer allow. Linkspan can't tell there whether all shards block their users' writes.",
    remedy:
      'Move its data to other shards (transitionToDedicatedConfigServer), or stop all writers and migrate with --once.',
  },
  SHARDED_BLOCK_WAITS: {
    status: 200,
    severity: 'WARNING',
    concerns: 'CUTOVER',
    detail:
      'The write block of a sharded source waits for open transactions and cannot be given up meanwhile. The write pause may be as long as a transaction lasts, 60 s by default.',
    remedy:
      'End long transactions before the cutover; Linkspan looks for them on all shards right before it sets the block. Pause applications that commit many transactions over several shards (docs/plan/sharded-sources.md).',
  },
  RESHARDING_UNDER_WAY: {
    status: 400,
    detail: '% is being resharded on the source.',
    remedy: 'Wait until reshardCollection has ended there, then start again.',
  },
  EQUAL_IDS: {
    status: 200,
    severity: 'WARNING',
    concerns: 'CUTOVER',
    detail:
      '% has documents with the same _id on two shards: % of % sampled _ids, such as %. A replica set can hold only one document of each.',
    remedy:
      'Find all such _ids with the query in docs/plan/sharded-sources.md. Delete one document of each on the source, or give it another _id. Otherwise Linkspan quarantines the collection, and the cutover waits.',
  },
  VERSION_TOO_OLD: {
    status: 400,
    detail: 'The % runs MongoDB %; % or newer is needed.',
    remedy: 'Upgrade the cluster first.',
  },
  VERSION_TOO_NEW: {
    status: 400,
    detail: 'The % runs MongoDB %. This version of Linkspan knows servers up to MongoDB %.',
    remedy:
      'Upgrade Linkspan. To continue without, rehearse with a copy of your data, then use --accept-untried-version, or acceptUntriedVersion: true in the configuration file.',
  },
  DESTINATION_OLDER: {
    status: 400,
    detail: 'The destination (MongoDB %) is older than the source (MongoDB %).',
    remedy: 'Use a destination of the same or a newer version.',
  },
  SAME_CLUSTER: {
    status: 400,
    detail: 'Source and destination are the same replica set.',
    remedy: 'Use the connection string of another cluster for one of them.',
  },
  PROBE_DATABASE_TAKEN: {
    status: 409,
    detail: 'The destination has a database linkspan_probe, which %.',
    remedy:
      'If another probe runs, wait until it has ended. After two minutes, linkspan probe removes what a killed one has left. If the database is yours, rename it.',
  },
  PROBE_LEFT: {
    status: 500,
    detail: 'The database linkspan_probe could not be removed from the destination: %.',
    remedy: 'Run linkspan probe again in two minutes, which removes it, or drop it.',
  },
  PROBE_MISMATCH: {
    status: 400,
    detail: 'The servers do something else than Linkspan relies on, and a migration could lose or change data: %.',
    remedy:
      'Do not migrate between these servers with this version of Linkspan. Send the output of linkspan probe --output json to the project.',
  },
});
