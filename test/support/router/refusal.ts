import type { Document } from 'mongodb';

/** Fields that servers of a cluster add to replies for each other. */
const INTERNAL = [
  '$clusterTime',
  'operationTime',
  '$configServerState',
  '$gleStats',
  'lastCommittedOpTime',
  '$topologyTime',
  '$configTime',
  'electionId',
  'opTime',
  'readOnly',
];

/** Errors of a server that is no primary any more: another member may be. */
const NOT_PRIMARY: readonly number[] = [91, 189, 10107, 11600, 11602, 13435, 13436];

export function isNotPrimary(code: unknown): boolean {
  return NOT_PRIMARY.includes(Number(code));
}

/** Whether a router hides this field of a server's reply. */
export function isInternal(name: string): boolean {
  return INTERNAL.includes(name);
}

/** Returns a reply of a server without the fields that a router hides. */
export function visible(reply: Document): Document {
  return Object.fromEntries(Object.entries(reply).filter(([name]) => !isInternal(name)));
}

/** A command that ends with an error reply. */
export class Refusal extends Error {
  readonly reply: Document;

  constructor(code: number, codeName: string, message: string, errorLabels?: readonly string[]) {
    super(message);
    this.reply = { ok: 0, errmsg: message, code, codeName, ...(errorLabels ? { errorLabels } : {}) };
  }

  /** A refusal with the error reply of a server. */
  static from(reply: Document): Refusal {
    const refusal = new Refusal(Number(reply.code), reply.codeName, reply.errmsg);
    Object.assign(refusal.reply, visible(reply));
    return refusal;
  }
}

/** Returns a server's reply. @throws Refusal when it is an error */
export function accepted(reply: Document): Document {
  if (!Number(reply.ok)) throw Refusal.from(reply);
  return reply;
}
