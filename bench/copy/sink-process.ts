import { connect, createServer, type Socket } from 'node:net';
import { decode, encode } from '../../test/support/router/elements.ts';
import { encodeMessage, onMessages } from '../../test/support/router/wire.ts';
import { DATABASE } from '../servers.ts';

/**
 * A destination that is no bound: `node sink-process.ts PORT` listens in front of a server, passes every command on, and
 * acknowledges inserts into the bench's database without storing them. Sends its own port to the parent.
 */
const OP_MSG = 2013;
/** Header, flags, and the kind of the first section, which is the command's body in each message of the driver. */
const BODY_AT = 21;

const port = Number(process.argv[2]);
/** The server's latest time: the engine refuses an acknowledgement without one. */
let operationTime: unknown;

const sink = createServer((client) => {
  const server = connect(port, '127.0.0.1');
  endTogether(client, server);
  onMessages(client, (bytes) => {
    if (isSwallowed(bytes))
      client.write(encodeMessage(0, bytes.readInt32LE(4), encode({ n: 0, operationTime, ok: 1 })));
    else server.write(bytes);
  });
  onMessages(server, (bytes) => {
    operationTime = bodyOf(bytes)?.operationTime ?? operationTime;
    client.write(bytes);
  });
});
sink.listen(0, '127.0.0.1', () => process.send?.(sink.address()));

function isSwallowed(bytes: Buffer): boolean {
  const body = bodyOf(bytes);
  return body?.insert !== undefined && body.$db === DATABASE;
}

function bodyOf(bytes: Buffer) {
  if (bytes.readInt32LE(12) !== OP_MSG) return undefined;
  return decode(bytes.subarray(BODY_AT, BODY_AT + bytes.readInt32LE(BODY_AT)));
}

function endTogether(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on('error', () => undefined);
    from.once('close', () => to.destroy());
  }
}
