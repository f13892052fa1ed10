import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type LinkspanProcess, runLinkspan } from '../test/support/linkspan-process.ts';
import { freePort } from '../test/support/mongod-process.ts';

/** The destination's organization on a running control plane, and its owner's API key. */
export interface Organization {
  readonly url: string;
  readonly id: string;
  readonly publicKey: string;
  readonly privateKey: string;
}

export interface ControlPlane extends AsyncDisposable {
  readonly organization: Organization;
  readonly process: LinkspanProcess;
}

/** Starts `linkspan serve` on a free port, with new credentials. @param folder  folder for its data */
export async function startControlPlane(folder: string): Promise<ControlPlane> {
  const address = `127.0.0.1:${await freePort()}`;
  const organization = {
    url: `http://${address}`,
    id: randomBytes(12).toString('hex'),
    publicKey: `demo${randomBytes(2).toString('hex')}`,
    privateKey: randomBytes(16).toString('hex'),
  };
  const process = runLinkspan(['serve', '--listen', address, '--data-dir', join(folder, 'control-plane')], {
    env: {
      LINKSPAN_BOOTSTRAP_ORG_ID: organization.id,
      LINKSPAN_BOOTSTRAP_PUBLIC_KEY: organization.publicKey,
      LINKSPAN_BOOTSTRAP_PRIVATE_KEY: organization.privateKey,
    },
  });
  await process.waitForLine(/ready at/);
  return { organization, process, [Symbol.asyncDispose]: () => process[Symbol.asyncDispose]() };
}
