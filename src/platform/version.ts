import { readFileSync } from 'node:fs';
import { ownFile } from './own-files.ts';

const manifest: { version: string } = JSON.parse(readFileSync(ownFile('package.json'), 'utf8'));

/** The version of this release of Linkspan. */
export const version: string = manifest.version;
