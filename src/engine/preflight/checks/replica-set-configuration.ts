import type { Document, MongoClient } from 'mongodb';
import { unlessUnauthorized } from '../../mongodb/unauthorized.ts';
import { type Found, found } from '../finding.ts';
import type { Look } from '../look.ts';

type Sides = Pick<Look, 'source' | 'destination' | 'from' | 'to'>;

/** The parts of a replica set's configuration that applications name. */
interface Configuration {
  readonly members: readonly { readonly arbiterOnly?: boolean; readonly tags?: Readonly<Record<string, string>> }[];
  readonly settings?: { readonly getLastErrorModes?: Readonly<Record<string, unknown>> };
}

/** Finds write concerns and tags of members that applications may name, and that the destination doesn't have. */
export async function checkConfiguration({ source, destination, from, to }: Sides): Promise<Found[]> {
  if (!from.replicaSet || !to.replicaSet) return [];
  const [here, there] = await Promise.all([configurationOf(source), configurationOf(destination)]);
  const modes = missing(modesOf(here), modesOf(there));
  const tags = missing(tagsOf(here), tagsOf(there));
  return [
    ...(modes === '' ? [] : [found('WRITE_CONCERNS_LEFT', [modes])]),
    ...(tags === '' ? [] : [found('MEMBER_TAGS_LEFT', [tags])]),
  ];
}

/**
 * Finds defaults of read and write concerns that were set on the source, where the destination has others. Reading them needs the
 * privilege `getDefaultRWConcern`, which a migration doesn't: without it, nothing is found.
 */
export async function checkDefaultConcerns({ source, destination, from, to }: Sides): Promise<Found[]> {
  if (!from.replicaSet || !to.replicaSet) return [];
  const [here, there] = await Promise.all([defaultsOf(source), defaultsOf(destination)]);
  if (here === undefined || there === undefined) return [];
  const set = [
    ...(here.defaultWriteConcernSource === 'global' ? [['write', writeConcern(here), writeConcern(there)]] : []),
    ...(here.defaultReadConcernSource === 'global' ? [['read', readConcern(here), readConcern(there)]] : []),
  ];
  return set
    .filter(([, own, other]) => own !== other)
    .map((parameters) => found('DEFAULT_CONCERNS_DIFFER', parameters));
}

async function configurationOf(client: MongoClient): Promise<Configuration> {
  const { config } = await client.db('admin').command({ replSetGetConfig: 1 });
  return config;
}

function modesOf({ settings }: Configuration): string[] {
  return Object.keys(settings?.getLastErrorModes ?? {});
}

function tagsOf({ members }: Configuration): string[] {
  const tagged = members.filter(({ arbiterOnly }) => !arbiterOnly);
  return tagged.flatMap(({ tags = {} }) => Object.entries(tags).map(([name, value]) => `${name}: ${value}`));
}

function missing(wanted: readonly string[], there: readonly string[]): string {
  return [...new Set(wanted)].filter((name) => !there.includes(name)).join(', ');
}

async function defaultsOf(client: MongoClient): Promise<Document | undefined> {
  return await unlessUnauthorized(() => client.db('admin').command({ getDefaultRWConcern: 1 }));
}

function writeConcern({ defaultWriteConcern: { w, j, wtimeout } = {} }: Document): string {
  return JSON.stringify({ w, j, wtimeout: wtimeout || undefined });
}

function readConcern({ defaultReadConcern: { level } = {} }: Document): string {
  return JSON.stringify({ level });
}
