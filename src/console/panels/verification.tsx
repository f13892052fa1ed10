import type { LiveMigration } from '../api/types.ts';
import { count, duration, percent, rate } from '../format.ts';
import { Icon } from '../icon.tsx';
import { migrationText } from '../texts/migration.ts';
import { Time } from '../time.tsx';
import { Mismatches } from './mismatches.tsx';
import { Bar, Fact, Facts, Panel } from './panel.tsx';

type Verification = NonNullable<NonNullable<LiveMigration['linkspan']['progress']>['verification']>;

interface VerificationProps {
  readonly verification: Verification;
  /** Path of the migration, which has all differences; undefined where the server keeps no list of them. */
  readonly path: string | undefined;
  readonly id: string;
}

/** Whether both sides are the same, as far as they are compared. */
export function VerificationPanel({ verification, path, id }: VerificationProps) {
  const words = migrationText.verification;
  const { mode, phase, mismatches, catalogDifferences, equalAt, externalWrites, etaSeconds, digests } = verification;
  if (mode === 'OFF') {
    return (
      <Panel title={words.title} columns={4}>
        <p class="mute">{words.off}</p>
      </Panel>
    );
  }
  const share = percent(verification.documentsCompared, verification.documentsTotal);
  const [icon, tone, verdict] = verdictOf(verification);
  return (
    <Panel title={words.title} note={words.phases[phase]} columns={4}>
      <p class="verdict">
        <Icon name={icon} tone={tone} />
        {verdict}
      </p>
      <Bar share={share} />
      <Facts>
        <Fact name={words.compared}>
          {words.of(count(verification.documentsCompared), count(verification.documentsTotal))}
        </Fact>
        <Fact name={words.rechecked}>{count(verification.documentsRechecked)}</Fact>
        <Fact name={words.waiting}>{count(verification.waiting)}</Fact>
        {phase === 'COMPARING' && <Fact name={words.rate}>{rate(verification.documentsPerSecond)}</Fact>}
        {etaSeconds !== null && <Fact name={words.left}>{duration(etaSeconds)}</Fact>}
        {mismatches.found > 0 && (
          <Fact name={words.found}>{words.foundOpen(count(mismatches.found), count(mismatches.open))}</Fact>
        )}
        {digests !== undefined && (
          <Fact name={words.digests}>{words.digestsOf(count(digests.documents), digests.host)}</Fact>
        )}
        {externalWrites > 0 && <Fact name={words.external}>{count(externalWrites)}</Fact>}
        {equalAt != null && (
          <Fact name={words.equalAt}>
            <Time iso={equalAt} />
          </Fact>
        )}
      </Facts>
      {(catalogDifferences ?? []).map((difference) => (
        <p key={difference} class="small">
          <Icon name="warning" tone="bad" /> {difference}
        </p>
      ))}
      {mismatches.found > 0 && <Mismatches latest={mismatches.latest} found={mismatches.found} path={path} id={id} />}
    </Panel>
  );
}

/** The result so far. "No difference" alone is said only when everything was compared. */
function verdictOf({
  mismatches,
  catalogDifferences,
  documentsCompared,
  phase,
  seesExternalWrites = true,
  cappedUncertain = [],
}: Verification) {
  const words = migrationText.verification;
  const differences = mismatches.open + (catalogDifferences?.length ?? 0);
  if (differences > 0) return ['warning', 'bad', words.differences(differences)] as const;
  if (phase === 'FOLLOWING' && !seesExternalWrites) return ['done', 'mute', words.noDifferenceSeen] as const;
  if (phase === 'FOLLOWING' && cappedUncertain.length > 0)
    return ['done', 'mute', words.noDifferenceButCapped] as const;
  if (phase === 'FOLLOWING') return ['done', 'ok', words.noDifference] as const;
  if (documentsCompared > 0) return ['done', 'mute', words.noDifferenceYet] as const;
  return ['waiting', 'mute', words.nothingYet] as const;
}
