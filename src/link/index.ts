export { loadAgentKey, newAgentKey, parsePublicKey, publicKeyOf } from './agent-key.ts';
export { keyPinOf } from './key-pin.ts';
export * from './messages.ts';
export { CLOCK_TOLERANCE_MS, proofHeaders, signRequest, verifyRequest } from './proof.ts';
export { ReplayGuard } from './replay-guard.ts';
export { AnswerKey, sealTo } from './sealed-answer.ts';
export {
  formatLinkToken,
  hashSecret,
  LINK_TOKEN_PATTERN,
  type LinkToken,
  newLinkToken,
  parseLinkToken,
} from './token.ts';
