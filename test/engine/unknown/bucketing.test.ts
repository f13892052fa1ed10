import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Document, MongoClient } from 'mongodb';
import { listCollections } from '../../../src/engine/catalog/read-catalog.ts';
import { raisedFlags } from '../../../src/engine/catalog/time-series-flags.ts';
import type { ClusterAddress } from '../../../src/engine/index.ts';
import { connectCluster } from '../../../src/engine/mongodb/connect.ts';
import { batchOf, type Dialect, type Requests, type Rewrites, startDialect } from '../../support/dialect.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { verify } from '../compare-clusters/verify-pair.ts';
import { RunningMigration, syncOnce } from '../running-migration.ts';
import { RunningReversible, reversibleUsers } from '../running-reversible.ts';

checkForLeaks();

const FLAG = 'timeseriesBucketingParametersHaveChanged';
const skip = needsSource('6.0', 'time series are not in its stream');

/** Has spans in place of a granularity, as 6.3 to 8.3 have them, and the flag about them of 7.1 and newer. */
class Bucketing {
  readonly spans = new Map<string, number>();
  /** By the name of the time series; undefined for one that was made before 7.1. */
  readonly flags = new Map<string, boolean | undefined>();
  /** The spans of `create`, in order. */
  readonly created: [name: string, seconds: number | undefined][] = [];
  /** Whether a `create` had the flag, which servers take for an option without a meaning. */
  madeWithFlag = false;
  /** Whether the server has the flag from the beginning. */
  flagsNew = true;
  /** Whether a change of the spans sets the flag. */
  flagsChanges = true;
  /** The time series whose flag is in the options alone, as from 8.2 on. */
  inOptions: string | undefined;

  readonly requests: Requests = {
    create: (request) => {
      if (request.timeseries === undefined) return;
      this.madeWithFlag ||= JSON.stringify(request).includes(FLAG);
      const seconds = this.#take(request, request.create);
      this.created.push([request.create, seconds]);
      if (this.flagsNew) this.flags.set(request.create, false);
    },
    collMod: (request) => {
      if (request.timeseries === undefined) return;
      if (this.#take(request, request.collMod) === undefined) this.spans.delete(request.collMod);
      if (this.flagsChanges) this.flags.set(request.collMod, true);
    },
  };

  readonly rewrites: Rewrites = {
    listCollections: (reply) => {
      for (const { name, options } of batchOf(reply)) {
        this.#showSpans(plain(name), options);
        if (plain(name) === this.inOptions && options.timeseries !== undefined)
          options.storageEngine = this.#config(name);
      }
    },
    aggregate: (reply, { aggregate, pipeline }) => {
      if (pipeline[0]?.$listCatalog === undefined) return;
      for (const { md } of batchOf(reply)) {
        const name = plain(String(aggregate));
        const flag = this.flags.get(name);
        this.#showSpans(name, md.options);
        if (name === this.inOptions) md.options.storageEngine = this.#config(name);
        else if (flag !== undefined) md[FLAG] = flag;
      }
    },
  };

  /** Takes the spans from a command that 6.0 would refuse, and notes them. */
  #take({ timeseries }: Document, name: string): number | undefined {
    if (timeseries.bucketRoundingSeconds === undefined) return undefined;
    const seconds = Number(timeseries.bucketRoundingSeconds);
    assert.equal(Number(timeseries.bucketMaxSpanSeconds), seconds);
    delete timeseries.bucketMaxSpanSeconds;
    delete timeseries.bucketRoundingSeconds;
    this.spans.set(name, seconds);
    return seconds;
  }

  #showSpans(name: string, options: Document): void {
    const seconds = this.spans.get(name);
    const { timeField } = options.timeseries ?? {};
    if (seconds !== undefined && timeField !== undefined) options.timeseries = { timeField, ...spans(seconds) };
  }

  #config(name: string): Document {
    return { wiredTiger: { configString: `app_metadata=(${FLAG}=${this.flags.get(plain(name)) ?? true})` } };
  }
}

function plain(name: string): string {
  return name.replace('system.buckets.', '');
}

interface Sides {
  readonly source: Bucketing;
  readonly destination: Bucketing;
  readonly clusters: { readonly source: ClusterAddress; readonly destination: ClusterAddress };
  /** A client of the source's dialect. */
  readonly client: MongoClient;
}

async function withDialects(work: (sides: Sides) => Promise<void>, { auth = false } = {}): Promise<void> {
  await using pair = await startPair({ source: { auth }, destination: { auth } });
  await using sourceDialect = await startDialect(pair.source, {});
  await using destinationDialect = await startDialect(pair.destination, {});
  const [source, destination] = [new Bucketing(), new Bucketing()];
  sourceDialect.speak(source.rewrites, source.requests);
  destinationDialect.speak(destination.rewrites, destination.requests);
  if (auth) await reversibleUsers(pair);
  const user = auth ? 'mongodb://mover:secret@' : 'mongodb://';
  const addressOf = ({ uri }: Dialect) => ({ uri: uri.replace('mongodb://', user) });
  const clusters = { source: addressOf(sourceDialect), destination: addressOf(destinationDialect) };
  await using client = new MongoClient(clusters.source.uri);
  await work({ source, destination, clusters, client });
}

const spans = (seconds: number) => ({ bucketMaxSpanSeconds: seconds, bucketRoundingSeconds: seconds });

// id: custom-bucketing
test('spans of buckets are followed, and buckets of changed spans stay so (a dialect, not a real server)', {
  skip,
}, async () => {
  await withDialects(async ({ source, destination, clusters, client }) => {
    const db = client.db('ts');
    for (const [name, bucketing] of Object.entries({
      plain: {},
      minutes: { granularity: 'minutes' },
      unchanged: spans(900),
      before71: spans(900),
      changed: spans(900),
      inOptions: spans(900),
    })) {
      await db.command({ create: name, timeseries: { timeField: 'at', ...bucketing } });
      await db.collection(name).insertOne({ at: new Date(), n: 1 });
    }
    source.flags.set('before71', undefined);
    source.inOptions = 'inOptions';
    for (const name of ['changed', 'minutes', 'inOptions']) source.flags.set(name, true);
    await using running = RunningMigration.start(clusters);
    await running.untilReady();
    assert.deepEqual(Object.fromEntries(destination.created), {
      plain: undefined,
      minutes: 1,
      unchanged: 900,
      before71: 1,
      changed: 1,
      inOptions: 1,
    });
    assert.equal(destination.madeWithFlag, false);
    await db.command({ collMod: 'before71', timeseries: spans(3_600) });
    await db.command({ collMod: 'unchanged', timeseries: spans(7_200) });
    await running.commit();
    assert.deepEqual(destination.spans, source.spans);
    assert.equal(destination.spans.get('unchanged'), 7_200);
    const unflagged = [...destination.flags].filter(([, flag]) => flag !== true).map(([name]) => name);
    assert.deepEqual(unflagged, ['plain']);
    assert.equal((await verify(clusters as unknown as ReplicaSetPair)).report.result, 'EQUAL');
  });
});

test('spans that change right after a listing are left to the event of that change (a dialect, not a real server)', {
  skip,
}, async () => {
  await withDialects(async ({ clusters, client }) => {
    const db = client.db('ts');
    await db.command({ create: 'changed', timeseries: { timeField: 'at', ...spans(900) } });
    await using engine = await connectCluster(clusters.source, 'source');
    const listed = async () => {
      const found = (await listCollections(engine, 'ts')).find(({ name }) => name === 'system.buckets.changed');
      assert.ok(found);
      return found;
    };
    const before = await listed();
    await db.command({ collMod: 'changed', timeseries: spans(7_200) });
    assert.deepEqual(await raisedFlags(engine, before), []);
    assert.deepEqual(await raisedFlags(engine, await listed()), [FLAG]);
  });
});

// id: spans-not-marked
test('a time series is refused whose destination relies on changed spans of buckets (a dialect, not a real server)', {
  skip,
}, async () => {
  await withDialects(async ({ source, destination, clusters, client }) => {
    await client.db('ts').command({ create: 'changed', timeseries: { timeField: 'at', ...spans(900) } });
    source.flags.set('changed', undefined);
    destination.flagsChanges = false;
    const message = new RegExp(`ts\\.changed .*${FLAG}`);
    await assert.rejects(syncOnce(clusters), { code: 'UNSUPPORTED_NAMESPACE', message });
  });
});

test('a failback takes time series whose destination has no flag about their spans (a dialect, not a real server)', {
  skip,
}, async () => {
  const work = async ({ destination, clusters, client }: Sides) => {
    await client.db('ts').command({ create: 'unchanged', timeseries: { timeField: 'at', ...spans(900) } });
    destination.flagsNew = false;
    await using running = new RunningReversible(clusters);
    await running.cutOver();
    assert.deepEqual([...destination.flags], []);
    await running.returnToOldSource();
  };
  await withDialects(work, { auth: true });
});
