import type { Document } from 'mongodb';
import { changeBatch, changeIn, fieldIn, withField } from '../bson-edits.ts';
import type { Command, Fact } from '../fact.ts';

const MARK = 'timeseriesBucketingParametersHaveChanged';

/** Servers of 7.1 to 8.1 have it in the catalog entry: `false` when a server of 7.1 or newer made the time series. */
export const MARK_IN_ENTRY: Fact = {
  name: 'the catalog says that the bucketing of a time series has not changed',
  source:
    'mongodb/mongo src/mongo/db/storage/durable_catalog (timeseriesBucketingParametersHaveChanged, absent before 7.1)',
  recordedFrom: null,
  commands: ['aggregate'],
  reply: (reply, command) => withMetadata(reply, command, (md) => withField(md, MARK, false)),
};

/** Servers from 8.2 on have it only there. */
export const MARK_IN_STORAGE: Fact = {
  name: "only the storage engine's options say that the bucketing of a time series has not changed",
  source:
    'mongodb/mongo src/mongo/db/server_feature_flags.idl (featureFlagRemoveLegacyTimeseriesBucketingParametersHaveChanged, 8.2)',
  recordedFrom: null,
  commands: ['aggregate'],
  reply: (reply, command) =>
    withMetadata(reply, command, (md) =>
      changeIn(md, 'options', (options) =>
        withField(options, 'storageEngine', { wiredTiger: { configString: `app_metadata=(${MARK}=false)` } }),
      ),
    ),
};

/** Changes the metadata of buckets in a reply to `$listCatalog`. */
function withMetadata(reply: Buffer, { body }: Command, change: (metadata: Buffer) => Buffer): Buffer {
  const [first] = (fieldIn(body, 'pipeline') ?? []) as Document[];
  if (first?.$listCatalog === undefined) return reply;
  return changeBatch(reply, (entry) => {
    const { options } = (fieldIn(entry, 'md') ?? {}) as Document;
    return options?.timeseries === undefined ? [entry] : [changeIn(entry, 'md', change)];
  });
}
