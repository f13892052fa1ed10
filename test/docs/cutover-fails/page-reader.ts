import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ReplicaSetPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { findMongosh } from '../find-mongosh.ts';
import { Reader } from '../reader.ts';

const BIN = fileURLToPath(new URL('../../../bin', import.meta.url));
const mongosh = await findMongosh();

/** Why a test of the page can't run here; false when it can. */
export const skip = needsSource('6.0', 'it has no write block') || ('missing' in mongosh && mongosh.missing);

/** A reader of the page, who has a shell in an empty folder and administers both sides of a pair. */
export function pageReader(
  folder: string,
  { source, destination }: ReplicaSetPair,
  variables: Readonly<Record<string, string>>,
): Reader {
  const PATH = [BIN, 'folder' in mongosh ? mongosh.folder : '', process.env.PATH].filter(Boolean).join(delimiter);
  const HOME = join(folder, 'home');
  return new Reader(folder, { HOME, SOURCE: source.uri, DESTINATION: destination.uri, ...variables, PATH });
}
