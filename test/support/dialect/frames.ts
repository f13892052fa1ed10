import { decodeMessage } from '../router/wire.ts';

const OP_REPLY = 1;
const OP_MSG = 2013;
const FLAGS = 16;
const CHECKSUM_PRESENT = 1;
const MORE_TO_COME = 2;
/** Header, flags, and the kind of the first section, which is the body. */
const BODY_OF_MSG = 21;
/** Header, flags, cursor, and two numbers. */
const BODY_OF_REPLY = 36;

/** Whether the sender continues without a message of the other side. */
export function hasMoreToCome(frame: Buffer): boolean {
  return frame.readInt32LE(12) === OP_MSG && (frame.readInt32LE(FLAGS) & MORE_TO_COME) !== 0;
}

/** Whether it came in the form of a driver's first `hello`. */
export function isLegacy(frame: Buffer): boolean {
  return frame.readInt32LE(12) !== OP_MSG;
}

export function requestBody(frame: Buffer): Buffer {
  return decodeMessage(frame).body;
}

export function replyBody(frame: Buffer): Buffer {
  const start = bodyStart(frame);
  return frame.subarray(start, start + frame.readInt32LE(start));
}

/** Returns the message with another body; all that is outside the body stays, except a checksum. */
export function withBody(frame: Buffer, body: Buffer): Buffer {
  const start = bodyStart(frame);
  const rest = frame.subarray(start + frame.readInt32LE(start));
  const head = Buffer.from(frame.subarray(0, start));
  const hasChecksum = !isLegacy(frame) && (head.readInt32LE(FLAGS) & CHECKSUM_PRESENT) !== 0;
  if (hasChecksum) head.writeInt32LE(head.readInt32LE(FLAGS) & ~CHECKSUM_PRESENT, FLAGS);
  const whole = Buffer.concat([head, body, hasChecksum ? rest.subarray(0, -4) : rest]);
  whole.writeInt32LE(whole.length, 0);
  return whole;
}

function bodyStart(frame: Buffer): number {
  const opCode = frame.readInt32LE(12);
  if (opCode === OP_REPLY) return BODY_OF_REPLY;
  if (opCode !== OP_MSG || frame[BODY_OF_MSG - 1] !== 0) throw new Error(`a message of an unexpected form (${opCode})`);
  return BODY_OF_MSG;
}
