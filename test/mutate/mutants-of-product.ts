import type { MutantTable } from './mutant.ts';
import { keep, remove, replace } from './operations.ts';

/** Rules of the control plane, the gateway, the agent and the CLI. */
export const OF_PRODUCT: MutantTable = {
  'test/agent/forged-answers.test.ts': [
    ['answer-binds-request', remove('element 2'), 'is rejected, although the control plane signed it'],
    ['compare-redemption-body', remove(), 'another body than its head names'],
  ],
  'test/agent/ops-manager-api.test.ts': [
    [
      'keep-key-until-ended',
      replace('$() || $(name 2) instanceof UserError'),
      'an unlinking that the control plane refuses',
    ],
    ['one-link-change-at-a-time', keep('call', 'call'), 'a host that is linked while it is being unlinked'],
  ],
  'test/cli/probe.test.ts': [['end-of-dangerous-probe', replace('true', 'condition'), 'ends it with 2']],
  'test/atlas-api/audit.test.ts': [['verification-in-turns', remove(), 'between its batches']],
  'test/atlas-api/authentication.test.ts': [['former-key-signs-nothing', remove(), 'a replaced master key']],
  'test/agent/configuration.test.ts': [['exposed-secret', remove(), 'that others may read']],
  'test/agent/reporter.test.ts': [['room-of-a-report', remove(), 'share the room']],
  'test/atlas-api/limits-and-versions.test.ts': [
    ['reserve-for-changes', replace('false'), 'have a reserve'],
    ['refusals-in-a-loop-wait', remove(), 'in a loop'],
  ],
  'test/gateway/digests.test.ts': [
    ['ask-for-own-migration', remove('operand 3'), 'only the agent that leads'],
    ['helper-of-own-organization', replace("await store.find('agents', {})", 'await'), 'another organization'],
    ['helper-of-own-project', keep('operand', 'condition'), 'names a helper that is linked'],
    ['questions-expire', replace('new Promise<never>(() => undefined)'), 'that no one answers expires'],
    ['answer-own-questions', replace('$(name) !== undefined', 'condition'), 'another organization'],
    ['most-open-digests', remove(), 'no more than a share'],
  ],
  'test/gateway/unread-bodies.test.ts': [
    ['close-behind-too-large', keep('operand', 'condition'), 'before its body arrives'],
  ],
  'test/link/bounded.test.ts': [['values-of-a-message', keep('operand', 'condition'), '100,000 values']],
  'test/atlas-api/migration-verification.test.ts': [['keys-for-readers', replace('$(name 2)')]],
  'test/atlas-api/slow-stream.test.ts': [['one-look-for-all-streams', keep('branch 2', 'choice'), 'share each look']],
  'test/control/hooks/keep-hooks.test.ts': [['share-of-hook-queue', replace('undefined')]],
  'test/gateway/hostile-clients.test.ts': [['loop-time-of-organization', remove(), 'take too long to read']],
  'test/hooks/courier.test.ts': [['organizations-in-turn', replace('[...$(name 2)][0]'), 'take turns']],
  'test/platform/dial-guard.test.ts': [
    ['trust-configured-addresses', keep('operand', 'condition'), 'a member of a source is not'],
    ['trust-own-destination', remove(), 'a member of a source is not'],
  ],
  'test/agent/failback-report.test.ts': [
    ['request-of-its-direction', replace('true'), 'orders that come early'],
    ['pass-on-finish', remove('argument'), 'closes the failback of the cutover'],
    ['close-last-cutover-only', replace('false'), 'closes the failback of the cutover'],
    ['close-named-cutover-on-record', replace('false'), 'closes the failback of the cutover'],
  ],
  'test/agent/unwritable-data.test.ts': [
    ['cutover-after-durable-note', replace('true')],
    ['orders-without-stored-keys', keep('statement', 'rule'), 'new keys of the control plane'],
    [
      'orders-without-stored-keys',
      replace('this.#storedKeys = this.#serverKeys; $()', 'rule'),
      'new keys of the control plane',
    ],
  ],
  'test/atlas-api/bodies-of-operations.test.ts': [['authorize-before-body', remove(), 'whatever its body says']],
  'test/gateway/other-forms.test.ts': [['one-entry-for-each-id', replace('entries'), 'several entries']],
  'test/gateway/unread-answers.test.ts': [['one-request-at-a-time', remove(), 'is refused, and its connection ends']],
  'test/platform/shares.test.ts': [['leave-as-much-free', remove(), 'more than it leaves free']],
  'test/atlas-api/administration.test.ts': [
    ['owner-needs-secret', replace('true', 'call'), 'the last secret that lets an owner sign in'],
    ['assert-owned-after-secrets', remove(), 'the last secret that lets an owner sign in'],
  ],
  'test/atlas-api/ended-senders.test.ts': [
    ['recheck-sender-in-transaction', remove(), 'deleted meanwhile is not registered'],
    ['recheck-sender-after-body', remove(), 'before its key was deleted'],
    ['requests-end-with-session', keep('branch'), 'signed out'],
    ['ignore-deleted-projects', replace('$(name)'), 'because its roles change'],
  ],
  'test/atlas-api/last-owner.test.ts': [
    ['allow-harmless-changes', remove(), 'changes what removes no owner'],
    ['token-is-not-ownership', replace('$(operand 3)', 'literal 2'), 'changes what removes no owner'],
    ['bootstrap-past-access-list', keep('operand'), 'enters an organization again'],
    ['audit-expiry-warning', remove(), 'owners are warned once'],
  ],
  'test/atlas-api/migration-cutover.test.ts': [
    ['audit-rate', replace('false'), 'writes 60 records an hour'],
    ['committed-survives-failure', replace("$(name) !== 'unknown'"), 'past the point of no return'],
    ['unanswered-abort-keeps-order', replace('false'), 'waits for the answer to an abort'],
    ['unread-records-keep-order', remove('value'), 'fails before it has read'],
    ['advice-keep-source-blocked', replace('$(name) === undefined'), 'never advises to open the source'],
    ['advice-read-records', replace("$() && state.status === 'COMPLETE'"), 'may be committed advises'],
  ],
  'test/atlas-api/migration-readiness.test.ts': [
    ['agent-silence-about-migration', replace('true'), 'leaves out of its reports'],
    ['time-to-resume', keep('operand'), 'has restarted resumes its migration'],
    ['report-takeover-once', remove(), 'was not taken over'],
    ['advice-when-taken-over', remove(), 'does not call taken over'],
    ['doubt-silent-agent', replace('($(name 4)) => $(name 4)', 'function'), 'whose agent is silent'],
  ],
  'test/atlas-api/most-records.test.ts': [
    ['most-link-tokens', remove(), 'link-tokens'],
    ['organization-limit', replace('false', 'operand'), 'at most 250 organizations'],
    ['organization-limit', keep('operand'), 'at most 50 organizations'],
  ],
  'test/atlas-api/request-limits.test.ts': [
    ['access-list-limit', remove('operand'), 'at most 200 entries'],
    ['role-count-limit', replace('$(call 3) .transform($(argument 5))'), 'every list in a request body'],
    ['role-count-limit', keep('argument', 'array'), 'is stored once'],
  ],
  'test/atlas-api/restarted-failback.test.ts': [
    ['note-earlier-direction', remove(), 'reports the cutover before it'],
    ['withdraw-failback-ready', replace('{ ...$(), ...progress }', 'call'), 'reports the cutover before it'],
  ],
  'test/atlas-api/reversible-migration.test.ts': [
    ['wait-for-agent-of-failback', replace('$(operation 3) && false'), 'waits for its agent by name'],
    ['end-with-lost-side', replace('false', 'operand'), 'while the old source was lost'],
    ['end-with-lost-side', keep('operand'), 'while the old source was lost'],
    ['confirm-drops-of-failback', keep('branch 2'), 'counts for one direction'],
    [
      'cutover-of-ready-failback',
      replace('$(name 2).failbackReadyAfter !== undefined'),
      'leaves one record for each cutover',
    ],
    ['withdraw-drop-permission', keep('operand'), 'loses the permission to drop'],
    ['end-unclosable-failback', keep('argument'), 'ends by a finish or a cancel'],
  ],
  'test/atlas-api/security-events.test.ts': [['agent-limit-is-no-failure', keep('call', 'rule'), 'beyond its limit']],
  'test/atlas-api/sessions.test.ts': [
    ['session-ends-with-role', replace('false', 'operand 2'), 'outlives the projects'],
    ['largest-organization-gives-way', replace('[[...this.#sessions]]'), 'beyond the sessions'],
    ['sign-in-as-first-organization', replace('() => true', 'function'), 'there is no sign-in link'],
  ],
  'test/atlas-api/standby.test.ts': [
    ['standby-has-source', replace('true'), 'without the source in its configuration'],
    ['leader-reports-silent', replace('true'), 'while it reports'],
    ['leader-record-silent', replace('true'), 'its record is written or unread'],
    ['silence-while-standby-heard', replace('true'), 'only from when the standby is heard'],
    ['figures-of-former-leader', replace('false'), 'only its own reports count'],
    ['take-back-own-only', replace('true', 'condition'), 'but none that a standby has'],
    ['one-migration-of-source', replace('[]'), 'one migration at a time'],
  ],
  'test/atlas-api/move.test.ts': [
    ['stop-to-move', remove(), 'is withdrawn from its leader'],
    ['move-once-stopped', replace('true'), 'once the leader has stopped it'],
    ['standby-ready-to-move', replace('(host ?? agent.host) === agent.host', 'function'), 'that is not ready'],
    ['move-is-bounded', replace('hasStopped', 'condition'), 'after a minute'],
    ['no-move-in-circles', remove(), 'at most once in ten minutes'],
  ],
  'test/engine/run/running-engine.test.ts': [['no-hand-over-in-circles', replace('cutOff'), 'gives way']],
  'test/engine/report/cut-off.test.ts': [['cut-off-after-election', replace('waits.length > 0'), 'for 20 s']],
  'test/atlas-api/places.test.ts': [['most-migrations-of-agent', remove(), 'begins when another one has ended']],
  'test/control/audit/log-changes.test.ts': [['log-after-commit', remove(), 'once it is committed']],
  'test/control/migrations/announce.test.ts': [['place-is-no-alarm', replace('waits'), 'for a place']],
  'test/atlas-api/idempotency-key.test.ts': [
    ['one-migration-of-key', replace('undefined'), 'returns the first migration'],
  ],
  'test/atlas-api/standby-users.test.ts': [
    ['renew-user-of-leader', remove(), 'with another password'],
    ['renewal-ends-no-migration', replace('true'), 'ends no migration'],
  ],
  'test/agent/standbys.test.ts': [
    ['standby-reads-both', replace('[await readers[0]?.read(id)]'), 'that it cannot read'],
    ['agent-standby-after-outage', remove(), 'begins to count again'],
  ],
  'test/gateway/several-hosts.test.ts': [
    ['hosts-of-token', replace('false'), 'and no third one'],
    ['token-once-for-each-key', replace('undefined'), 'and no third one'],
    ['successor-joins-set', remove(), 'replaces one of several hosts'],
  ],
  'test/atlas-api/source-watch.test.ts': [['move-watches', replace('$(name 2)'), 'replaces the watching one']],
  'test/cli/digest.test.ts': [['doubt-loose-claims', replace('true'), 'proves nothing makes a comparison']],
  'test/cli/keys-of-running-server.test.ts': [
    [
      'reread-destination-user',
      replace('await $(name 2).updateDestinationUser({ ...$(name 3), $(property) })'),
      'made on a destination while the master key is rotated',
    ],
    [
      'retry-key-rotation',
      replace('const isNew = $(condition); $(name 2) = $(name).sealer.mark; if (isNew) $(statement)', 'rule'),
      'failed to take up',
    ],
  ],
  'test/cli/sync-after-reboot.test.ts': [['start-is-durable', remove(), 'after a reboot and after a loss of power']],
  'test/cli/sync-source-watch.test.ts': [
    ['watch-resumes-at-position', replace('new $(name 2)($(name 3), undefined)'), 'resumes the watch'],
  ],
  'test/engine/cutover/remote-watchdog.test.ts': [
    ['watchdog-of-unread-lease', replace('$(operand 2)', 'condition'), 'to its own engine'],
    ['watchdog-of-held-block', replace('$(operand)', 'condition'), 'for 10 s'],
  ],
  'test/cli/sync-standby.test.ts': [
    ['standby-after-outage', remove(), 'longer than the lease'],
    ['take-from-cut-off-leader', keep('operand', 'condition'), 'has lost the source'],
    ['standby-keeps-pause', remove(), 'stays paused'],
    ['standby-after-take-over', replace('false', 'condition'), 'loses the migration'],
  ],
  'test/cli/verify.test.ts': [['record-repair-before-write', remove(), 'a repair that is killed at']],
  'test/control/records/reversal-transitions.test.ts': [
    [
      'forget-finish-after-cutover',
      replace("failback: state.failback === 'FINISHING' ? 'FINISHING' : $(value)", 'rule'),
      'a reversible migration that is',
    ],
    ['ignore-earlier-cutover', keep('branch 2'), 'a reversible migration that is'],
    ['refuse-cancel-of-reversal', replace("$() && $(name 2).status === 'NEW'"), 'a reversible migration that is'],
  ],
  'test/gateway/relinking.test.ts': [
    ['unlink-pending-agent', replace('...$(name 2).route', 'property'), 'only an agent itself can end its link'],
  ],
  'test/gateway/unusable-agents.test.ts': [
    [
      'refuse-before-remembering',
      replace('this.#replays.admit(publicKey, proof, this.#control.clock.now()); $()', 'rule'),
      'stores nothing of a request',
    ],
    ['count-refused-agents', replace('true'), 'refused unchecked'],
  ],
  'test/link/replay-guard.test.ts': [
    ['remembered-request-limit', replace('$(name).size >= Number.POSITIVE_INFINITY'), 'up to a limit'],
    ['clock-set-back', keep('argument', 'call'), 'set back'],
  ],
  'test/platform/durable-file.test.ts': [
    ['write-whole-file', replace("process.getBuiltinModule('node:fs').writeSync($(name 2), $(name 3))")],
  ],
  'test/store/sqlite.test.ts': [
    ['fail-waiting-writes', remove(), 'fails every write that waits'],
    ['refuse-older-store', remove(), '0.2.0 or older'],
  ],
};
