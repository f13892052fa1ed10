import { fieldIn, withField } from '../bson-edits.ts';
import type { Fact } from '../fact.ts';

/**
 * A cluster's limit of reads. Requests with a limit of their own, 0 included, keep it. Users with the privilege
 * `bypassDefaultMaxTimeMS` have none: here those are the clients of the tests themselves.
 */
export const DEFAULT_MAX_TIME: Fact = {
  name: 'the cluster limits reads that name no limit',
  source:
    'https://www.mongodb.com/docs/manual/reference/cluster-parameters/defaultMaxTimeMS/; mongodb/mongo src/mongo/db/default_max_time_ms_cluster_parameter.cpp',
  recordedFrom: null,
  commands: ['find', 'aggregate'],
  request: ({ body, application }, { defaultMaxTimeMS }) =>
    defaultMaxTimeMS === 0 || !application.startsWith('linkspan') || fieldIn(body, 'maxTimeMS') !== undefined
      ? body
      : withField(body, 'maxTimeMS', defaultMaxTimeMS),
};
