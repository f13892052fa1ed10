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
  const takeUp = async () => {
    try {
      const before = control.sealer.mark;
      control.sealer.use(loadMasterKeys(file, false));
      if (control.sealer.mark !== before) await control.serverKeys.rotate();
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
  const listener = () => void takeUp();
  watchFile(file, { interval: LOOK_EVERY_MS, persistent: false }, listener);
  return { [Symbol.dispose]: () => unwatchFile(file, listener) };
}
