import { registerStaticFiles } from '../../src/http/index.ts';
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from '../atlas-api/control-plane.ts';
import type { WatchedPage } from './browser.ts';

/** Starts a control plane that serves a built console. */
export async function startWithConsole(built: string, options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  return await startControlPlane({ ...options, register: (app) => registerStaticFiles(app, built) });
}

/** Signs in on the page. By default with the first key, which owns the organization. */
export async function signIn({ page }: WatchedPage, name: string, secret: string): Promise<void> {
  await page.getByLabel('Public key or client id').fill(name);
  await page.getByLabel('Private key or secret').fill(secret);
  await page.getByRole('button', { name: 'Sign in' }).click();
}
