import type { HookEvent } from '../../hooks/index.ts';

/** An event for one hook that is not delivered. */
export interface HookDelivery {
  /** The hook's name and the event's id. */
  readonly id: string;
  readonly hook: string;
  /** The id of the migration. */
  readonly subject: string;
  /** The number of the event's audit record: events of one migration are delivered in this order. */
  readonly sequence: number;
  readonly event: HookEvent;
  /** Failed attempts. */
  readonly attempts: number;
  /** The reason of the last failure; null before the first. */
  readonly lastError: string | null;
  /** When the server stopped retrying; null while it retries. */
  readonly givenUpAtMs: number | null;
  readonly createdAtMs: number;
}

/** How far the audit records were looked at for hooks. There is one, or none while no server has hooks. */
export interface HookCursor {
  readonly id: 'hooks';
  /** The number of the last audit record that was looked at. */
  readonly sequence: number;
}
