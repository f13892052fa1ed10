import type { MutantTable } from './mutant.ts';
import { keep, negate, operator, remove, replace, swap } from './operations.ts';

/** Rules that keep each document and each change: copy, change stream, apply, catalog, and the records of an engine. */
export const OF_DATA: MutantTable = {
  'test/engine/copy/secondaries.test.ts': [['avoid-failing-member', remove(), 'left alone']],
  'test/engine/mongodb/fit-member.test.ts': [['leave-lagging-member', replace('true'), 'lags']],
  'test/engine/run/copy-load.test.ts': [['follow-windows', negate()]],
  'test/end-to-end/users-and-roles.test.ts': [['leave-migration-users', replace('true', 'operand 2')]],
  'test/engine/accounts/owner-of-accounts.test.ts': [
    ['keep-accounts-of-retired', keep('await', 'rule')],
    ['leave-contested-role', remove('operand 2'), 'on record of two sources'],
    ['leave-contested-user', replace('false', 'operand 3'), 'on record of two sources'],
    ['adopt-accounts', remove()],
  ],
  'test/engine/accounts/users-and-roles.test.ts': [
    ['last-look-at-accounts', remove('element 2'), 'until the last moment'],
    ['rehearsal-moves-no-accounts', replace('$(name 2)', 'argument'), 'not by a rehearsal'],
    ['late-account-changes', remove(), 'as late writes'],
  ],
  'test/engine/apply/capped-order.test.ts': [
    ['capped-key-moves-last', remove(), 'at once'],
    ['capped-delete-before-insert', remove(), 'during the copy'],
    ['capped-order-compared', replace('true'), 'in the middle'],
    ['capped-place-in-spool', keep('operation'), 'during the copy'],
    ['note-reinserted-capped', remove(), 'in the middle'],
  ],
  'test/engine/apply/capped-timestamps.test.ts': [
    [
      'capped-empty-timestamp',
      replace('insertRun($(name 4), $(name 6), { documents: [$(name 7)], $(name 2) })', 'call'),
    ],
  ],
  'test/engine/apply/displace-holders.test.ts': [
    ['keep-holder-without-array-value', replace('`$${$(name 5)}`', 'literal'), 'comes to lack the value'],
    ['leave-outside-partial-index', remove('element 2')],
    ['leave-outside-sparse-index', replace('false', 'call')],
    ['collation-of-holders', replace('...($(name).collation && { collation: $(name).collation })', 'rule')],
    ['unique-values-in-arrays', replace('$(name)')],
    ['missing-field-in-arrays', remove('element 2')],
  ],
  'test/engine/apply/displaced.test.ts': [
    [
      'keep-record-of-redisplaced',
      replace("() => $(name 2)($(name 3), 'displaced', $(name 4).map(({ _id }) => ({ _id })))", 'function'),
      'makes room again',
    ],
    ['mark-survives-key-change', remove('element'), 'two lanes displace at a time'],
  ],
  'test/engine/apply/equal-keys.test.ts': [
    ['collated-keys-read-source', replace('true'), 'waits behind the insert'],
    ['one-identity-for-numbers', remove(), 'another number type'],
    ['one-identity-for-nested-numbers', replace('ofBytes($(name 2), $(name 3))'), 'somewhere in it'],
    ['one-identity-for-symbols', remove(), 'symbol'],
  ],
  'test/engine/apply/lane.test.ts': [
    ['flush-by-key-number', remove()],
    ['await-all-collections-of-batch', replace('await Promise.race($(name 2))')],
    ['settle-displaced-in-spool', remove(), 'made room'],
    ['mark-survives-key-change', remove('element'), 'made room'],
  ],
  'test/engine/apply/long-ids.test.ts': [
    ['spool-batches-fit', keep('argument 2', 'call 2'), 'keys that are spooled'],
    ['smaller-stream-replies', keep('argument'), 'that change together'],
  ],
  'test/engine/apply/spool.test.ts': [
    ['oldest-spooled-key', replace('Number.isFinite($(name)) ? $(name) : $(name 4)')],
    [
      'spool-durable-before-quarantine',
      replace('{ await $(name 2)?.done; if ($(name 2) === undefined) break; }', 'await'),
    ],
  ],
  'test/engine/apply/stuck-collections.test.ts': [['send-refused-separately', remove()]],
  'test/engine/bson/document-batch.test.ts': [
    ['skip-name-end', remove(), 'has the documents of a reply'],
    ['bounds-of-documents', keep('operand'), 'is refused'],
    ['offsets-of-cut-batch', keep('receiver', 'choice'), 'is cut without a copy'],
    ['bytes-from-first-statement', remove(), '46,000,000 bytes'],
  ],
  'test/engine/bson/compressed-message.test.ts': [
    ['unrequested-compression', remove(), 'is refused, and an uncompressed one'],
    ['inflate-bound', remove(), 'says more than the largest message'],
    ['inflate-limit', remove('property 2'), 'more or less than it says'],
  ],
  'test/engine/bson/wire.test.ts': [
    ['measured-distance', remove('operand 1'), 'auto compresses'],
    ['measured-distance', operator('>=', 'operand 2'), 'auto compresses'],
    ['compress-long-links', replace('true', 'condition'), 'auto compresses'],
  ],
  'test/engine/bson/exactness.test.ts': [
    ['exact-write-empty-timestamps', remove(), 'keeps its bytes'],
    [
      'delete-before-exact-write',
      replace(
        'await updateRaw($(name 2).fence, $(name 3), $(name 4).map((e) => exactReplaceStatement(e.key, e.document)))',
      ),
      'every member',
    ],
    ['deletes-before-updates', swap(), 'an empty timestamp'],
  ],
  'test/engine/bson/key-identity.test.ts': [
    ['exact-decimals', replace('Number($(name 4)) * 10 ** $(name 2)', 'call'), 'every number'],
  ],
  'test/engine/bson/odd-documents.test.ts': [
    ['accept-invalid-utf8', remove('property 3'), 'UTF-8'],
    ['probe-invalid-utf8', replace('await $(name 2).db($(name 3)).command($(argument 3))'), 'UTF-8'],
  ],
  'test/engine/bson/unjoined-connection.test.ts': [
    ['documents-in-message-length', replace('$() - 1', 'rule'), 'without compression'],
    ['closed-connection-ends-write', remove(), 'whose connection is closed'],
    ['memory-until-sent', replace('void $(name).catch(() => undefined)'), 'whose connection is closed'],
  ],
  'test/engine/capture/change-event.test.ts': [['ignore-events-without-namespace', remove('operand')]],
  'test/engine/capture/conversions.test.ts': [
    ['oplog-command-or-document', remove('operand'), 'are found in the oplog'],
    ['last-entry-shown', replace('$(name) > 0'), 'opening a stream'],
    ['search-conversions', remove(), 'are found in the oplog'],
    ['suspect-after-conversion', operator('<', 'value'), 'may not read the oplog'],
  ],
  'test/engine/capture/external-writes.test.ts': [['ignore-capped-discards', remove(), 'told from what others write']],
  'test/engine/capture/unstreamed-writes.test.ts': [
    [
      'barrier-includes-oplog-search',
      replace('return $(name 2).watermark.safe.time;', 'rule'),
      'nothing ends before the oplog',
    ],
    ['reread-unstreamed-writes', remove(), 'what applyOps writes'],
    ['flush-found-writes', remove(), 'not on record as further'],
    ['flush-lanes-before-repair', remove(), 'a state from before a unstreamed write'],
    ['record-search-position', replace('this.#watermark.safe.time'), 'a search that was behind'],
    ['unstreamed-view-changes', replace('$(name).isEmpty'), 'a view that applyOps makes'],
    ['oplog-reaches-position', remove(), 'an oplog that no longer reaches back'],
    ['reread-live-only', keep('operation'), 'does not come back'],
  ],
  'test/engine/capture/lag-meter.test.ts': [
    ['lag-grows-in-silence', replace('$(name)($(name 2), this.#provenAt)'), 'whatever stops, sleeps or restarts'],
    ['clock-runs-in-sleep', remove('operation 2'), 'whatever stops, sleeps or restarts'],
  ],
  'test/engine/capture/unreadable-oplog.test.ts': [
    ['search-from-unreadable-time', remove(), 'is migrated once it can'],
  ],
  'test/engine/capture/watermark.test.ts': [
    ['checkpoint-after-whole-batch', operator('<=', 'operand 2')],
    ['checkpoint-after-comparison', keep('argument')],
  ],
  'test/engine/catalog/kinds-of-collections.test.ts': [['silence-expiry', remove(), 'expires']],
  'test/engine/catalog/legacy-indexes.test.ts': [['simple-collation-is-none', remove(), 'is none']],
  'test/engine/catalog/special-collections.test.ts': [
    ['stored-functions-unprivileged', replace('false', 'condition'), 'stored functions'],
    ['adopt-emptied-functions', keep('await'), 'stored functions'],
    ['spool-while-draining', keep('operand', 'operand 2'), 'while its spool is drained'],
  ],
  'test/engine/catalog/time-series-flags.test.ts': [
    ['carry-time-series-flags', remove(), 'is marked on the destination'],
  ],
  'test/engine/collections/catalog-changes.test.ts': [
    [
      'drop-views-before-making',
      replace(
        'for (const view of $(name 2)) await $(name 3)($(name 4), $(name 5), view.destinationName).then(() => make($(name 6), view));',
        'rule',
      ),
      'views on each other',
    ],
    ['ignore-unselected-events', remove(), 'not selected compare'],
    ['pending-until-planned', replace("'copying'")],
    [
      'retry-record-removal',
      replace('await $(name).checkpoint.unretried.removeCollection($(name 2).uuid)'),
      'takes two attempts',
    ],
    ['reads-by-uuid', keep('branch 2'), 'swap names'],
  ],
  'test/engine/collections/database-case.test.ts': [
    ['drops-before-creates', swap(), 'between two runs'],
    ['drop-case-namesake', replace('$(name 2).destination === undefined'), 'has no view'],
  ],
  'test/engine/collections/unconfirmed-drops.test.ts': [
    ['no-end-while-drops-held', remove('operand 2'), 'also when nothing is compared'],
    ['hold-large-drops', replace('false', 'condition'), 'until an operator confirms them'],
    ['count-dropped-documents', keep('operand', 'property 2'), 'when most documents are in one'],
    ['count-remaining-documents', operator('>', 'operand'), 'have lost most'],
    ['recreated-is-not-lost', replace('($(name 4)) => true', 'argument'), 'exist again'],
    ['hold-large-drops', replace('[]', 'call'), 'stay held when'],
    [
      'drop-when-place-needed',
      replace('($(name 4) === undefined && $(name 9).size > 0)', 'operand 2'),
      'needs the place',
    ],
  ],
  'test/engine/collections/index-changes.test.ts': [
    ['indexes-of-named-collections', replace('() => true'), 'has the indexes of no other'],
    ['end-unwanted-builds', replace('() => false', 'argument'), 'a killed engine has left'],
  ],
  'test/engine/collections/unfinished-creation.test.ts': [
    ['remove-record-of-unmade', remove()],
    ['one-record-per-collection', remove('call'), 'of two collections'],
  ],
  'test/engine/collections/unshown-drops.test.ts': [
    [
      'missing-waits-for-stream',
      replace('new CollectionDropped($(name 4).namespace)', 'call'),
      'though they were read while it was gone',
    ],
    ['check-collection-after-read', remove(), 'not taken for deletes'],
    ['plan-again-when-missing', keep('receiver'), 'resumes when the drop'],
    ['no-drain-when-quarantined', remove(), 'missing when the copy ends'],
  ],
  'test/engine/copy/capped-copy.test.ts': [['count-reread-capped-anew', replace('false', 'literal 2')]],
  'test/engine/copy/cut-messages.test.ts': [
    ['memory-until-inserted', replace('const inserted = $(call); batch[Symbol.dispose](); await inserted')],
  ],
  'test/engine/copy/natural-order.test.ts': [
    ['new-scan-after-election', replace("(await $(call)) === 'undefined'"), 'a scan in natural order'],
    ['scans-change-index-order', remove(), 'a scan in natural order'],
    ['natural-scan-end', remove('call'), 'a scan in natural order'],
    ['look-up-before-rescan', replace('false', 'operand'), 'a scan in natural order'],
    ['partial-copy-by-id', remove(), 'a scan in natural order'],
  ],
  'test/engine/mongodb/barriers.test.ts': [
    ['barrier-by-majority', remove('property 4'), 'the majority of the source'],
    ['barrier-after-start', remove(), 'the majority of the source'],
  ],
  'test/engine/mongodb/failure-policy.test.ts': [['retry-full-cache', remove(), 'whose cache is full']],
  'test/engine/mongodb/fence.test.ts': [
    ['confirm-collections-of-destination', remove(), 'whose collections another client dropped'],
    ['keep-regular-expressions', replace('false', 'literal'), 'names the duplicate value'],
    ['drop-by-uuid', remove('property 2'), 'does not meet what took the name'],
    ['fence-each-session', remove(), 'shuts earlier engines out'],
    ['term-in-write-numbers', replace('0n', 'operation')],
    ['new-number-per-attempt', remove(), 'whose answer was lost'],
    ['settle-unanswered-write', replace('false'), 'whose answer was lost'],
    ['confirm-before-change', keep('element 2', 'call'), 'shuts earlier engines out'],
    [
      'confirm-before-change',
      replace('$(name 3)?.catch(() => undefined); await $(element)'),
      'not created before its record',
    ],
    ['confirmation-after-request', remove(), 'share a confirmation'],
    ['no-opening-after-commit', remove('property 3'), 'only the acknowledgement'],
    ['last-look-at-destination', remove('element 2'), 'another client dropped'],
  ],
  'test/engine/mongodb/fixed-session.test.ts': [
    ['number-each-write', replace('$(name 4)', 'object')],
    ['abort-refused-transaction', remove()],
  ],
  'test/engine/mongodb/lagging-source.test.ts': [
    ['read-after-dispatched-events', remove('property 2'), 'lag behind'],
    ['plan-after-position', remove('property 2'), 'lag behind'],
    ['copy-reads-majority', remove('property 2'), 'lag behind'],
  ],
  'test/engine/mongodb/moved.test.ts': [['writes-by-uuid', keep('branch')]],
  'test/engine/mongodb/one-address.test.ts': [
    ['one-address-per-name', remove(), 'all connections go to one address'],
    ['every-address-when-lost', keep('receiver 2'), 'the last address that is left'],
    ['both-address-families', replace('0', 'call 2'), 'both families'],
  ],
  'test/engine/mongodb/read-limits.test.ts': [['read-time-limit', replace('$(name)', 'branch')]],
  'test/engine/mongodb/repeated-ids.test.ts': [
    ['refuse-repeated-id', remove()],
    ['repeated-id-across-batches', replace('new Set()')],
  ],
  'test/engine/mongodb/restored-set.test.ts': [['wait-for-former-primary', remove()]],
  'test/engine/mongodb/retry.test.ts': [['unknown-error-is-bounded', replace('false'), 'that no rule knows']],
  'test/engine/mongodb/seen-history.test.ts': [['unseen-history-on-record', remove('operand')]],
  'test/engine/preflight/admin-database.test.ts': [
    ['look-for-admin-collections', remove(), 'while the migration follows'],
    ['refuse-admin-collections', remove()],
  ],
  'test/engine/preflight/findings.test.ts': [
    ['needs-oplog-for-block-owner', remove(), 'whose block it has'],
    ['needs-block-for-block-owner', remove(), 'whose block it has'],
    ['complete-late-checks', remove('operand 2'), 'has a run check by itself'],
    ['warn-below-recovering-patch', replace('true', 'operand 2'), 'may not start again after a kill'],
    ['warn-of-old-source', replace('$(name).once', 'condition'), 'may not start again after a kill'],
  ],
  'test/engine/records/collection-records.test.ts': [
    ['one-writer-per-record', keep('call', 'call'), "of a collection's record wins"],
    ['one-writer-per-record', replace('$(), upsert: true', 'property 3'), 'does not come back'],
  ],
  'test/engine/records/destination-owner.test.ts': [
    ['cancel-while-taking', remove('operand 2'), 'its first record waits'],
    ['fence-retired-engines', keep('operand'), 'started again, or cancelled'],
    ['refuse-retired-engine', remove(), 'started again, or cancelled'],
    ['new-term-when-retired', remove('property 2'), 'a cleanup that a new migration overtakes'],
    ['fence-retired-after-kill', replace('false', 'object 2'), 'killed as it takes'],
    ['leave-owners-block', remove('operand'), 'cleaning up after an earlier'],
    ['confirm-before-cleanup', remove(), 'a cleanup that a new migration overtakes'],
    ['closing-keeps-new-out', replace('$(name) === null || $(name 2) < 0'), 'while the last checkpoint is removed'],
    ['refuse-used-destination', replace('false'), 'without permission to drop it'],
    ['cancelled-takes-nothing', keep('operand'), 'cancelled before it began'],
    ['refuse-other-schema-beside', remove(), 'a record of another version'],
    ['committed-destination-is-used', keep('operand', 'operand'), 'steps after the cutover are not done'],
  ],
  'test/engine/records/kept-side-by-side.test.ts': [
    ['view-name-has-one-owner', remove(), 'under load'],
    ['refuse-owned-destination', remove(), 'beside a migration that owns'],
    ['own-view-by-record', remove('call'), 'a view of a changed definition'],
    ['foreign-or-unfinished-collection', remove('operand 2'), 'a collection that another migration'],
  ],
  'test/engine/records/other-cluster.test.ts': [
    ['confirm-source-of-position', remove(), 'gets no position on record'],
    [
      'confirm-destination',
      replace("(await $(call)) !== '' || $(name 4).destinationId === ''"),
      'nothing of it is written there',
    ],
    ['confirm-source-of-catalog', remove(), 'while the catalogs are being compared'],
  ],
  'test/engine/records/own-records.test.ts': [
    [
      'read-after-own-writes',
      replace("{ $(property), $(name 3), $(property 3), readConcern: { level: 'majority' } }"),
      'changes during the copy',
    ],
    [
      'confirm-by-write',
      replace(
        "const command = { find: 'migrations', filter: this.#own, readConcern: { level: 'majority' } }; const { cursor } = await this.client.db(INTERNAL_DATABASE).command(command); if (cursor.firstBatch.length === 0) this.lose()",
      ),
      'taken over',
    ],
  ],
  'test/engine/probe/probe.test.ts': [
    ['probe-leaves-nothing', remove(), 'nothing is left or written'],
    ['probe-lifts-before-removal', remove(), 'is repeated'],
    ['probe-keeps-foreign-data', remove(), 'other data is kept'],
    ['refuse-dangerous-mismatch', replace("'DIFFERS'"), 'judged by what it endangers'],
  ],
  'test/engine/records/failback.test.ts': [
    ['withdraw-own-note', replace('$unset: $(name 4)', 'property'), 'stays closed'],
    ['withdraw-own-note', remove(), 'stays closed'],
    ['failback-needs-record', replace('return;', 'statement'), 'has lost its record'],
  ],
  'test/engine/unknown/like-buckets.test.ts': [['name-plain-buckets', remove('operand 2'), 'refused by its name']],
  'test/engine/unknown/bucketing.test.ts': [
    ['change-spans-of-buckets', replace("['granularity']"), 'spans of buckets are followed'],
    ['create-with-shortest-spans', replace('true', 'condition'), 'spans of buckets are followed'],
    ['create-without-marks', replace('...Object.fromEntries(options)', 'property 2'), 'spans of buckets are followed'],
    ['absent-flag-of-spans', replace('false'), 'relies on changed spans'],
    ['flag-of-listed-spans', replace('true', 'value'), 'right after a listing'],
    ['spans-of-former-source', keep('await'), 'a failback takes'],
    ['compare-spans-of-former-source', remove(), 'a failback takes'],
  ],
  'test/engine/unknown/shown-groups.test.ts': [
    ['search-nested-groups', replace("{ op: 'none' }", 'branch')],
    ['groups-of-all-members', remove('operand')],
  ],
  'test/engine/unknown/raw-data.test.ts': [
    ['watch-with-raw-data', remove(), 'a watch of the source after the commit'],
    ['streams-with-raw-data', replace('command', 'value'), 'from 9.0.3 to 9.0.3'],
    ['create-with-fixed-bucketing', replace('true', 'argument 3'), 'from 9.0.3 to 9.0.3'],
    ['flag-of-fixed-bucketing', remove(), 'from 9.0.3 to 9.0.3'],
    ['raw-data-only-when-tried', remove(), 'they stay refused'],
    ['raw-data-in-cleanup', remove(), 'a cleanup after'],
  ],
  'test/engine/unknown/newer-servers.test.ts': [
    ['time-series-without-buckets', remove('operand 2'), 'as MongoDB 9.0 lists it'],
    ['hidden-time-series-events', keep('operand'), 'appears without an event'],
    ['refuse-unknown-events', keep('statement', 'rule'), 'an unknown event'],
    ['refuse-unknown-operations', remove(), 'an unknown operation of the oplog'],
    ['refuse-unknown-index-fields', remove(), 'waits for an index with an unknown field'],
    ['reversible-to-newer', replace('false', 'condition'), 'is not reversible'],
    ['refuse-constraint', remove(), 'validation level constraint'],
    ['refuse-newer-servers', replace('9', 'literal'), 'newer than MongoDB 9.0'],
  ],
};
