import { systemClock } from '../../src/platform/index.ts';
import { AtlasClient } from '../support/atlas-client.ts';
import type { ControlPlane } from './control-plane.ts';

/** The parts of a control plane in another process that the helpers of the API's tests use. @param keys  of an owner */
export function planeAt(url: string, orgId: string, keys: readonly [string, string]): ControlPlane {
  const api = async (
    method: string,
    path: string,
    { body, user = keys }: { readonly body?: object; readonly user?: readonly [string, string] } = {},
  ) => {
    const answer = await new AtlasClient(url, ...user).request(
      method as 'GET',
      path.replace('/api/atlas/v2', ''),
      body,
    );
    return { status: answer.status, json: answer.body };
  };
  return { url, orgId, api, control: { clock: systemClock } } as unknown as ControlPlane;
}
