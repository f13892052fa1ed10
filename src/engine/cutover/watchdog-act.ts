import { type DialRules, guardDialling } from '../../platform/index.ts';
import { type AbandonedCutover, openAbandonedSource } from './open-abandoned-source.ts';

const GIVE_UP_AFTER_MS = 30 * 60_000;

/**
 * Opens the source of an abandoned cutover.
 * @param dialRules  the rules of the engine's own connections
 */
export async function act(cutover: AbandonedCutover, dialRules: DialRules | undefined): Promise<void> {
  using _guard = dialRules && guardDialling(dialRules, () => undefined);
  await openAbandonedSource(cutover, AbortSignal.timeout(GIVE_UP_AFTER_MS));
}
