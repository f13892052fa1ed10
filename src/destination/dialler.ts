import type { DestinationPort, DiallingTenant } from '../control/index.ts';
import { type Logger, messageOf, UserError } from '../platform/index.ts';
import { NO_ANSWER } from './connect.ts';
import { checkConnectionString } from './connection-string.ts';
import type { DialAnswer, DialRequest } from './dial-messages.ts';
import { type DialPurpose, DialSlots } from './dial-slots.ts';
import { DiallerEnded, runDiallerProcess } from './run-dialler-process.ts';

/** Each process may use 256 MB, so all of them use at most 1.5 GB. Registrations are rare: an organization rarely has two at a time. */
const LIMITS = { inAll: 6, perOrganization: 3, perProject: 2, waitingPerProject: 8, longestWaitMs: 30_000 };

export interface DiallerOptions {
  /** Host names, addresses and blocks to which it may connect. */
  readonly allowedDestinations: readonly string[];
  readonly logger: Logger;
  /** Ends all running requests, because the server stops. */
  readonly signal: AbortSignal;
}

/**
 * Connects to destinations, each time from a separate process. So a destination can't exhaust the memory, time and descriptors of this
 * process or of another tenant's process.
 */
export function createDialler({ allowedDestinations, logger, signal: stopping }: DiallerOptions): DestinationPort {
  const slots = new DialSlots(LIMITS);
  const refused = (refusal: string) => logger.warn({ event: 'connection.refused' }, refusal);
  const dial = async (tenant: DiallingTenant, purpose: DialPurpose, request: DialRequest, signal: AbortSignal) => {
    using _slot = await slots.take(tenant, purpose, signal);
    try {
      return resultOf(await runDiallerProcess(request, refused, signal));
    } catch (error) {
      const { orgId, groupId } = tenant;
      if (error instanceof DiallerEnded)
        logger.warn({ event: 'dialler.ended', orgId, groupId, act: request.act }, messageOf(error));
      throw error;
    }
  };
  return {
    check: async (tenant, connectionString) => {
      checkConnectionString(connectionString);
      const request = { act: 'check' as const, connectionString, allowedDestinations: [...allowedDestinations] };
      try {
        const { makesUsers } = await dial(tenant, 'registration', request, stopping);
        return { makesUsers: makesUsers === true };
      } catch (error) {
        if (stopping.aborted) throw new UserError('DESTINATION_NOT_CHECKED', ['the server is stopping']);
        throw error instanceof DiallerEnded ? refusalOf(error) : error;
      }
    },
    makeUser: async (tenant, connectionString, user, signal) => {
      const request = { connectionString, allowedDestinations: [...allowedDestinations], user };
      await dial(tenant, 'background', { act: 'makeUser', ...request }, AbortSignal.any([stopping, signal]));
    },
    dropUser: async (tenant, connectionString, name, signal) => {
      const request = { connectionString, allowedDestinations: [...allowedDestinations], name };
      await dial(tenant, 'background', { act: 'dropUser', ...request }, AbortSignal.any([stopping, signal]));
    },
  };
}

function resultOf(answer: DialAnswer): { readonly makesUsers?: boolean } {
  if ('done' in answer) return answer.done;
  const { failed } = answer;
  throw 'code' in failed ? new UserError(failed.code, failed.parameters) : new Error(failed.message);
}

function refusalOf(error: DiallerEnded): UserError {
  // The same message as for a host that never answers, so that it reveals nothing about the host.
  if (error.why === 'time') return new UserError('DESTINATION_UNUSABLE', [NO_ANSWER], { cause: error });
  if (error.why === 'memory')
    return new UserError('DESTINATION_UNUSABLE', ['its answers need too much memory'], { cause: error });
  return new UserError('DESTINATION_NOT_CHECKED', ['its dialler process ended early'], { cause: error });
}
