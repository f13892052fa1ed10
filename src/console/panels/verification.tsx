import type { LiveMigration } from '../api/types.ts';
import { count, duration, percent, rate } from '../format.ts';
import { Icon } from '../icon.tsx';
import { text } from '../text.ts';
import { Time } from '../time.tsx';
import { Bar, Fact, Facts, Panel } from './panel.tsx';

type Verification = NonNullable<NonNullable<LiveMigration['linkspan']['progress']>['verification']>;

/** Whether both sides are the same, as far as they are compared. */
export function VerificationPanel({ verification, id }: { readonly verification: Verification; readonly id: string }) {
  const words = text.verification;
  const { mode, phase, mismatches, catalogDifferences, equalAt, foreignWrites, etaSeconds } = verification;
  if (mode === 'off') {
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
        {phase === 'comparing' && <Fact name={words.rate}>{rate(verification.documentsPerSecond)}</Fact>}
        {etaSeconds !== null && <Fact name={words.left}>{duration(etaSeconds)}</Fact>}
        {mismatches.found > 0 && (
          <Fact name={words.found}>{words.foundOpen(count(mismatches.found), count(mismatches.open))}</Fact>
        )}
        {foreignWrites > 0 && <Fact name={words.foreign}>{count(foreignWrites)}</Fact>}
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
      {mismatches.latest.length > 0 && <Mismatches latest={mismatches.latest} id={id} />}
    </Panel>
  );
}

/** The result so far. "No difference" alone is said only when everything was compared. */
function verdictOf({ mismatches, catalogDifferences, documentsCompared, phase }: Verification) {
  const words = text.verification;
  const differences = mismatches.open + (catalogDifferences?.length ?? 0);
  if (differences > 0) return ['warning', 'bad', words.differences(differences)] as const;
  if (phase === 'following') return ['done', 'ok', words.noDifference] as const;
  if (documentsCompared > 0) return ['done', 'mute', words.noDifferenceYet] as const;
  return ['waiting', 'mute', words.nothingYet] as const;
}

function Mismatches({ latest, id }: { readonly latest: Verification['mismatches']['latest']; readonly id: string }) {
  const words = text.verification;
  const save = () => {
    const lines = latest.map((one) => `${JSON.stringify(one)}\n`);
    const url = URL.createObjectURL(new Blob(lines, { type: 'application/x-ndjson' }));
    const link = Object.assign(document.createElement('a'), { href: url, download: `mismatches-${id}.ndjson` });
    link.click();
    URL.revokeObjectURL(url);
  };
  return (
    <>
      <ul class="mismatches">
        {latest.map((one) => (
          <li key={`${one.namespace} ${one.key}`}>
            <code>{one.namespace}</code> <code>{one.key}</code>
            <span class="mute">
              {one.class}
              {one.path === null ? '' : ` · ${one.path}`} · {one.open ? words.open : words.repaired}
            </span>
          </li>
        ))}
      </ul>
      <button type="button" onClick={save}>
        {words.download(latest.length)}
      </button>
    </>
  );
}
