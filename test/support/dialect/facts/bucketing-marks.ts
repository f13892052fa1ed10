import type { Document } from 'mongodb';
import { changeBatch, changeIn, fieldIn, withField } from '../bson-edits.ts';
import type { Command, Fact } from '../fact.ts';

const MARK = 'timeseriesBucketingParametersHaveChanged';

/** Servers of 7.1 to 8.1 have it in the catalog entry: `false` when a server of 7.1 or newer made the time series. */
export const MARK_IN_ENTRY: Fact = {
  name: 'the catalog marks a time series whose bucketing has changed',
  source:
    'mongodb/mongo src/mongo/db/storage/durable_catalog (timeseriesBucketingParametersHaveChanged, absent before 7.1)',
  recordedFrom: null,
  commands: ['aggregate'],
  reply: (reply, command, server) =>
    withMetadata(reply, command, (md, name) => withField(md, MARK, server.changedBucketing.includes(name))),
};

/** Servers from 8.2 on have it only there. */
export const MARK_IN_STORAGE: Fact = {
  name: "only the storage engine's options mark a time series whose bucketing has changed",
  source:
    'mongodb/mongo src/mongo/db/server_feature_flags.idl (featureFlagRemoveLegacyTimeseriesBucketingParametersHaveChanged, 8.2)',
  recordedFrom: null,
  commands: ['aggregate'],
  reply: (reply, command, server) =>
    withMetadata(reply, command, (md, name) => {
      const configString = `app_metadata=(${MARK}=${server.changedBucketing.includes(name)})`;
      return changeIn(md, 'options', (options) =>
        withField(options, 'storageEngine', { wiredTiger: { configString } }),
      );
    }),
};

/** Changes the metadata of buckets in a reply to `$listCatalog`. */
function withMetadata(
  reply: Buffer,
  { body }: Command,
  change: (metadata: Buffer, namespace: string) => Buffer,
): Buffer {
  const [first] = (fieldIn(body, 'pipeline') ?? []) as Document[];
  if (first?.$listCatalog === undefined) return reply;
  return changeBatch(reply, (entry) => {
    const name = `${fieldIn(entry, 'db')}.${String(fieldIn(entry, 'name')).replace('system.buckets.', '')}`;
    const { options } = (fieldIn(entry, 'md') ?? {}) as Document;
    return options?.timeseries === undefined ? [entry] : [changeIn(entry, 'md', (md) => change(md, name))];
  });
}
