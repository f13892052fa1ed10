import { unwatchFile, watchFile } from 'node:fs';
import { type Control, loadMasterKeys, reseal } from '../../control/index.ts';
import { type Logger, messageOf } from '../../platform/index.ts';

/** Interval for checking the key file. A rotation waits for this check; checking one file is cheap. */
const LOOK_EVERY_MS = 1000;

/**
 * Loads the keys that `linkspan keys rotate` writes while the server runs. It then reseals all secrets and signs with a new key. A file that
 * lacks the current key, or that cannot be read, changes nothing.
 */
export function followMasterKey(control: Control, file: string, logger: Logger): Disposable {
  // The master key for which the signing key was last replaced: a later attempt replaces it when an earlier one failed.
  let signedUnder = control.sealer.mark;
  const takeUp = async () => {
    try {
      control.sealer.use(loadMasterKeys(file, false));
      // rule: retry-key-rotation
      if (control.sealer.mark !== signedUnder) await control.serverKeys.rotate();
      signedUnder = control.sealer.mark;
      const values = await reseal(control);
      if (values > 0)
        logger.info({ event: 'master_key.resealed', values }, 'sealed everything with the new master key');
    } catch (error) {
      logger.error(
        { event: 'master_key.unusable', reason: messageOf(error) },
        'the changed master key file cannot be used: the current key stays in use',
      );
    }
  };
  let last = Promise.resolve();
  const listener = () => {
    last = last.then(takeUp);
  };
  watchFile(file, { interval: LOOK_EVERY_MS, persistent: false }, listener);
  return { [Symbol.dispose]: () => unwatchFile(file, listener) };
}
