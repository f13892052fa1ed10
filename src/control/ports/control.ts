import type { Clock } from '../../platform/index.ts';
import type { SecurityEvents } from '../audit/security-events.ts';
import type { ServerKeys } from '../audit/server-keys.ts';
import type { CredentialVerifiers } from '../records/records.ts';
import type { Sealer } from '../records/sealer.ts';
import type { Store } from '../records/store-port.ts';
import type { AgentSignals } from './agent-signals.ts';
import type { Alarm } from './alarm.ts';
import type { DestinationPort } from './destination-port.ts';

/** What every use case of the control plane works with. */
export interface Control {
  readonly store: Store;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly signals: AgentSignals;
  /** Where refused attempts are written down. */
  readonly security: SecurityEvents;
  /** The keys with which answers to agents are signed. */
  readonly serverKeys: ServerKeys;
  /** Where agents find this control plane; goes into link-tokens. */
  readonly publicUrl: () => string;
  /** Of the certificate that agents are to trust there; goes into link-tokens. Absent: whatever their machines trust. */
  readonly keyPin?: () => string | undefined;
  /** After how long a link-token that nobody redeemed is worth nothing; absent: never. */
  readonly linkTokenLifetimeMs?: number;
  /** What is stored of a private key (see http digest). */
  readonly verifiersOf: (publicKey: string, privateKey: string) => CredentialVerifiers;
  readonly destinations: DestinationPort;
  /** As whom agents go to a destination: as a user made for each migration, where that is possible, or as the registered one. */
  readonly destinationUsers: 'migration' | 'fixed';
  /** Rings when there are users to be made. */
  readonly userAlarm: Alarm;
  /** Whether a list of addresses and blocks lets an address in; the empty list lets everybody in. */
  readonly isOnAccessList: (list: readonly string[], address: string) => boolean;
}
