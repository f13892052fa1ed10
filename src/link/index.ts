export { agentName, leftOut } from './bounded.ts';
export * from './digest-messages.ts';
export { keyPinOf } from './key-pin.ts';
export * from './messages.ts';
export {
  assertBody,
  assertCurrent,
  CLOCK_TOLERANCE_MS,
  type Proof,
  proofHeaders,
  type RequestHead,
  signedHead,
  signRequest,
  verifyHead,
} from './proof.ts';
export { MOST_REQUESTS, ReplayGuard } from './replay-guard.ts';
export { AnswerKey, sealTo } from './sealed-answer.ts';
export { ANSWER_HEADER, isAnswerOf, signAnswer } from './signed-answer.ts';
export { loadSigningKey, newSigningKey, parsePublicKey, publicKeyOf } from './signing-key.ts';
export {
  formatLinkToken,
  hashSecret,
  LINK_TOKEN_PATTERN,
  type LinkToken,
  newLinkToken,
  parseLinkToken,
} from './token.ts';
