import type { Document, MongoClient } from 'mongodb';

/** Documents that are read of each collection. */
const SAMPLE = 200;
/** Share of neighbours on disk that are in order: 0.5 with random ids, 1 where each insert has a greater one. */
const LEAST_IN_ORDER = 0.75;

/**
 * Whether a collection's documents lie on disk in another order than that of their `_id`s. The server compares
 * neighbours, because it knows the order of all types.
 * @param options  further fields of the command
 */
export async function hasRandomIds(
  client: MongoClient,
  database: string,
  name: string,
  options: Document = {},
): Promise<boolean> {
  const pair = (n: number) => ({ $arrayElemAt: ['$ids', { $add: ['$$this', n] }] });
  const pairs = { $range: [0, { $subtract: [{ $size: '$ids' }, 1] }] };
  const pipeline = [
    { $limit: SAMPLE },
    { $group: { _id: null, ids: { $push: '$_id' } } },
    {
      $project: {
        pairs: { $size: pairs },
        inOrder: { $size: { $filter: { input: pairs, as: 'this', cond: { $lt: [pair(0), pair(1)] } } } },
      },
    },
  ];
  const command = { aggregate: name, pipeline, hint: { $natural: 1 }, cursor: {}, ...options };
  const { cursor } = await client.db(database).command(command);
  const [result] = cursor.firstBatch;
  return result !== undefined && result.pairs > 0 && result.inOrder / result.pairs < LEAST_IN_ORDER;
}
