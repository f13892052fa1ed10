import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';

/** Two sets that have room for large documents, the destination behind a proxy. */
export interface SlowPair extends AsyncDisposable {
  readonly pair: ReplicaSetPair;
  readonly proxy: FaultProxy;
  /** Connection strings for Linkspan. */
  readonly uris: { readonly source: string; readonly destination: string };
}

export async function startSlowPair(): Promise<SlowPair> {
  await using resources = new AsyncDisposableStack();
  // With the small cache of other tests, the servers themselves reject such writes for minutes.
  const roomy = { cacheGigabytes: 1, oplogSizeMegabytes: 4_096 };
  const pair = resources.use(await startPair({ source: roomy, destination: roomy }));
  const proxy = resources.use(await startFaultProxy((await pair.destination.primary()).port));
  const uris = {
    source: pair.source.uri,
    destination: `mongodb://127.0.0.1:${proxy.port}/?directConnection=true&compressors=none`,
  };
  const kept = resources.move();
  return { pair, proxy, uris, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

const KIBIBYTE = 1_024;
const MEBIBYTE = 1_024 * KIBIBYTE;

/** Nearly the largest that a server stores. */
export const LARGEST_BYTES = 16 * MEBIBYTE - KIBIBYTE;

const filling = randomBytes(LARGEST_BYTES);

/** A document of about so many bytes. */
export function documentOf(_id: number, bytes: number): { _id: number; bytes: Buffer } {
  return { _id, bytes: filling.subarray(0, bytes) };
}

/** Resident memory of a process in megabytes (1,000,000 bytes), now and at most so far. */
export function memoryOf(pid: number): { readonly nowMegabytes: number; readonly mostMegabytes: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const megabytes = (field: string) =>
    (Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * KIBIBYTE) / 1e6;
  return { nowMegabytes: megabytes('VmRSS'), mostMegabytes: megabytes('VmHWM') };
}
