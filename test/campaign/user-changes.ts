import { isDeepStrictEqual } from 'node:util';
import type { IndexDescription, MongoClient } from 'mongodb';
import { eventually } from '../support/eventually.ts';
import type { SeededRandom } from '../support/seeded-random.ts';
import type { RoundLog } from './round-log.ts';
import { SEATS } from './seats.ts';
import { WITHIN_MS } from './user-sides.ts';

const KINDS = ['widen', 'free', 'narrow', 'expire later', 'never expire', 'expire'] as const;
const DAY_S = 86_400;
/** No document of the campaign is that old, so the definitions show a wrong expiry, and none is deleted. */
const LONG_S = 1_000 * DAY_S;
const BY_SEAT: IndexDescription = { key: { seat: 1 }, name: 'seat_1' };
const BY_SEAT_AND_WING: IndexDescription = { key: { seat: 1, wing: 1 }, name: 'seat_1_wing_1', unique: true };
const BY_AGE: IndexDescription = { key: { at: 1 }, name: 'at_1' };

/** A change of indexes that users make on the side that accepts their writes. */
export interface UserChange {
  readonly kind: (typeof KINDS)[number];
  /** `following`: before the cutover is requested; `opened`: as soon as the new side accepts writes, perhaps before its indexes are restored. */
  readonly moment: 'following' | 'opened';
}

export function drawUserChanges(random: SeededRandom): UserChange[] {
  return Array.from({ length: random.pick([0, 1, 1, 2, 3]) }, () => ({
    kind: random.pick(KINDS),
    moment: random.pick(['following', 'opened'] as const),
  }));
}

/** Creates `shop.sessions` with its index. */
export async function fillSessions(source: MongoClient): Promise<void> {
  const sessions = source.db('shop').collection('sessions');
  await sessions.insertMany(Array.from({ length: 20 }, (_, n) => ({ n, at: new Date() })));
  await sessions.createIndexes([{ ...BY_AGE, expireAfterSeconds: LONG_S }]);
}

/** Makes the changes, and knows which indexes the side with the users must have since. */
export class UserChanges {
  readonly #log: RoundLog;
  /** By namespace; a change without an acknowledgement removes the entry until the next one. */
  readonly #expected = new Map<string, readonly IndexDescription[]>();

  constructor(log: RoundLog) {
    this.#log = log;
  }

  /** Makes a change. Logs it when the side refuses it. @param application  connected to the side that has the users */
  async make(application: MongoClient, { kind, moment }: UserChange): Promise<void> {
    const name = kind === 'widen' || kind === 'free' || kind === 'narrow' ? 'seats' : 'sessions';
    this.#expected.delete(name);
    try {
      this.#expected.set(
        name,
        name === 'seats' ? await reseat(application, kind) : await changeExpiry(application, kind),
      );
      this.#log.say(`users changed their indexes: ${kind}, ${moment}`);
    } catch (error) {
      this.#log.say(`users could not change their indexes: ${kind}, ${moment}: ${error}`);
    }
  }

  /** Checks that the side with the users has the indexes as they made them, once the cutover has restored its own. */
  async check(side: MongoClient): Promise<void> {
    for (const [name, expected] of this.#expected) {
      let actual: IndexDescription[] = [];
      const isAsMade = async () => {
        const listed = await side.db('shop').collection(name).listIndexes().toArray();
        actual = listed.filter((index) => index.name !== '_id_').map(({ v, ...index }) => index as IndexDescription);
        return isDeepStrictEqual(new Set(actual), new Set(expected));
      };
      await eventually(isAsMade, { what: 'the indexes that users made', deadlineMs: WITHIN_MS }).catch(() =>
        this.#log.find(`users made ${JSON.stringify(expected)} on shop.${name}, and it has ${JSON.stringify(actual)}`),
      );
    }
  }
}

/** Replaces the unique index of `shop.seats`, and uses what the new one allows. @returns the indexes that it has now */
async function reseat(application: MongoClient, kind: UserChange['kind']): Promise<readonly IndexDescription[]> {
  const seats = application.db('shop').collection<{ _id: number; seat: number; wing?: string }>('seats');
  const drop = async (name: string) => {
    if ((await seats.indexes()).some((index) => index.name === name)) await seats.dropIndex(name);
  };
  const second = Array.from({ length: SEATS / 2 }, (_, n) => ({ _id: SEATS + n, wing: 'second' }));
  const sitDown = async () => {
    const taken = await seats.find({ _id: { $lt: SEATS } }).toArray();
    for (const [n, { seat }] of taken.slice(0, second.length).entries())
      await seats.replaceOne({ _id: SEATS + n }, { seat, wing: 'second' }, { upsert: true });
  };
  if (kind === 'narrow') {
    await seats.deleteMany({ wing: 'second' });
    await drop('seat_1');
    await seats.createIndexes([{ ...BY_SEAT, unique: true }]);
    await drop(BY_SEAT_AND_WING.name ?? '');
    return [{ ...BY_SEAT, unique: true }];
  }
  const wide = kind === 'widen' ? [BY_SEAT_AND_WING] : [];
  if (kind === 'widen') await seats.createIndexes(wide);
  else await drop(BY_SEAT_AND_WING.name ?? '');
  await drop('seat_1');
  await sitDown();
  if (kind === 'widen') return wide;
  await seats.createIndexes([BY_SEAT]);
  return [BY_SEAT];
}

/** Changes the expiry of `shop.sessions`, or makes its index again. @returns the indexes that it has now */
async function changeExpiry(application: MongoClient, kind: UserChange['kind']): Promise<readonly IndexDescription[]> {
  const shop = application.db('shop');
  const sessions = shop.collection('sessions');
  const [current] = (await sessions.indexes()).filter(({ name }) => name === BY_AGE.name);
  const wanted =
    kind === 'never expire' ? BY_AGE : { ...BY_AGE, expireAfterSeconds: kind === 'expire' ? LONG_S : LONG_S + DAY_S };
  if (kind === 'expire later' && current?.expireAfterSeconds !== undefined) {
    await shop.command({
      collMod: 'sessions',
      index: { name: BY_AGE.name, expireAfterSeconds: wanted.expireAfterSeconds },
    });
    return [wanted];
  }
  if (current) await sessions.dropIndex('at_1');
  await sessions.createIndexes([wanted]);
  return [wanted];
}
