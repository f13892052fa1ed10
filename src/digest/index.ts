export { DigestClient, type DigestRequest } from './client.ts';
export { type DigestAlgorithm, digestHash, digestResponse } from './response.ts';
export { DigestSession } from './session.ts';
