import { parentPort, workerData } from 'node:worker_threads';
import { MongoClient } from 'mongodb';
import { orderComparison } from './ordered-pair.ts';

/** Compares the order of a collection in a thread, whose memory has a limit. */
const { sourceUri, destinationUri, name } = workerData;
await using source = await new MongoClient(sourceUri).connect();
await using destination = await new MongoClient(destinationUri).connect();
const isInOrder = await orderComparison({ source, destination });
parentPort?.postMessage(await isInOrder(name));
