import type { Clock } from '../../platform/index.ts';
import type { SecurityEvents } from '../audit/security-events.ts';
import type { ServerKeys } from '../audit/server-keys.ts';
import type { CredentialVerifiers } from '../records/records.ts';
import type { Sealer } from '../records/sealer.ts';
import type { Store } from '../records/store-port.ts';
import type { AgentSignals } from './agent-signals.ts';
import type { Alarm } from './alarm.ts';
import type { DestinationPort } from './destination-port.ts';

/** The dependencies of the control plane's use cases. */
export interface Control {
  readonly store: Store;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly signals: AgentSignals;
  /** Records refused attempts. */
  readonly security: SecurityEvents;
  /** The keys with which answers to agents are signed. */
  readonly serverKeys: ServerKeys;
  /** The URL of this control plane in link-tokens. */
  readonly publicUrl: () => string;
  /** The pin in link-tokens of the certificate that agents trust. When absent, agents use their machines' CAs. */
  readonly keyPin?: () => string | undefined;
  /** How long a link-token can be redeemed; absent for no limit. */
  readonly linkTokenLifetimeMs?: number;
  /** How many link-tokens of an organization may wait to be redeemed; absent for no limit. */
  readonly mostLinkTokens?: number;
  /** The hashes of a private key to store (see src/http/digest/secrets.ts). */
  readonly verifiersOf: (publicKey: string, privateKey: string) => CredentialVerifiers;
  /** How long a blocked source is watched after the commit; absent for not at all. */
  readonly watchSourceMs?: number;
  readonly destinations: DestinationPort;
  /** The user with which agents connect to a destination: one created for each migration where possible, or the registered one. */
  readonly destinationUsers: 'MIGRATION' | 'FIXED';
  /** Rings when users have to be created or dropped. */
  readonly userAlarm: Alarm;
  /** Whether a list of addresses and blocks allows an address; an empty list allows all. */
  readonly isOnAccessList: (list: readonly string[], address: string) => boolean;
}
