import { createInterface } from 'node:readline';
import zlib from 'node:zlib';
import { guardDialling, messageOf, redact, UserError } from '../platform/index.ts';
import { connectToDestination } from './connect.ts';
import { boundedText, type DialLine, type DialRequest, dialRequest, isDialErrorCode } from './dial-messages.ts';
import { limitSockets } from './limit-sockets.ts';
import { dropMigrationUser, makeMigrationUser } from './migration-user.ts';

/** More than one connection to each of the 50 members of a replica set, and a second one to its primary. */
const MOST_SOCKETS = 60;
/** Maximum number of reported refusals; more add no information. */
const MOST_REFUSALS = 10;

/** The program that `runDiallerProcess` starts. It carries out one request on one destination, answers, and ends. */
async function main(): Promise<void> {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done) return;
  // The server keeps the pipe open while it waits for the answer. The end of the pipe means that the server has ended.
  void lines.next().then(() => process.exit());
  const request = dialRequest.parse(JSON.parse(first.value));
  // The driver decompresses any compressed reply, even if no compression was negotiated.
  zlib.inflate = refuseToInflate as unknown as typeof zlib.inflate;
  zlib.zstdDecompress = refuseToInflate as unknown as typeof zlib.zstdDecompress;
  let refusals = 0;
  using _guard = guardDialling(request, (refusal) => {
    if (++refusals <= MOST_REFUSALS) say({ refusal: boundedText(refusal) });
  });
  using _limit = limitSockets(MOST_SOCKETS, () => {
    say(failureOf(new UserError('DESTINATION_UNUSABLE', ['it names more servers than a replica set may have'])));
    process.exit();
  });
  say(await carryOut(request).catch(failureOf));
}

async function carryOut(request: DialRequest): Promise<DialLine> {
  const { act, connectionString } = request;
  // Never aborted: the server kills this process when it no longer needs the answer.
  const { signal } = new AbortController();
  if (act === 'check') return { done: await connectToDestination(connectionString) };
  if (act === 'makeUser') await makeMigrationUser(connectionString, request.user, signal);
  else await dropMigrationUser(connectionString, request.name, signal);
  return { done: {} };
}

function failureOf(error: unknown): DialLine {
  if (error instanceof UserError && isDialErrorCode(error.code))
    return { failed: { code: error.code, parameters: error.parameters.map(boundedText) } };
  return { failed: { message: boundedText(redact(messageOf(error))) } };
}

function say(line: DialLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function refuseToInflate(): never {
  throw new Error('it sent a compressed reply without a request for it');
}

if (import.meta.main) await main().finally(() => process.exit());
