import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { readMismatches } from '../api/mismatches.ts';
import { unlessSessionEnded } from '../api/session.ts';
import type { Mismatch } from '../api/types.ts';
import { count } from '../format.ts';
import { messageOf } from '../text.ts';
import { migrationText } from '../texts/migration.ts';

const words = migrationText.mismatches;

interface MismatchesProps extends Pick<DownloadProps, 'found' | 'id'> {
  readonly latest: readonly Mismatch[];
  /** Path of the migration; undefined where the server keeps no list of all documents. */
  readonly path: string | undefined;
}

/** The latest documents that differed, and all of them as a file. */
export function Mismatches({ latest, found, path, id }: MismatchesProps) {
  return (
    <>
      {latest.length < found && <p class="small mute">{words.latest(count(latest.length), count(found))}</p>}
      <ul class="mismatches">
        {latest.map((one) => (
          <li key={`${one.namespace} ${one.key}`}>
            <code>{one.namespace}</code> <code>{one.key}</code>
            <span class="mute">
              {words.classes[one.class]}
              {one.path === null ? '' : ` · ${one.path}`} · {one.open ? words.open : words.repaired}
            </span>
          </li>
        ))}
      </ul>
      {path !== undefined && <Download found={found} path={path} id={id} />}
    </>
  );
}

interface DownloadProps {
  readonly found: number;
  /** Path of the migration. */
  readonly path: string;
  readonly id: string;
}

function Download({ found, path, id }: DownloadProps) {
  /** How far the file is, or why it is not complete. */
  const said = useSignal('');
  const isLoading = useSignal(false);
  const left = useMemo(() => new AbortController(), [path]);
  useEffect(() => () => left.abort(), [left]);
  const save = async () => {
    isLoading.value = true;
    try {
      let file = new Blob();
      let saved = 0;
      for await (const some of readMismatches(path, left.signal)) {
        // The browser keeps the earlier ones outside of the page's memory.
        file = new Blob([file, ...some.map((one) => `${JSON.stringify(one)}\n`)], { type: 'application/x-ndjson' });
        saved += some.length;
        said.value = words.loading(count(saved), count(found));
      }
      offer(file, `mismatches-${id}.ndjson`);
      said.value = saved < found ? words.incomplete(count(saved), count(found)) : '';
    } catch (error) {
      const problem = left.signal.aborted ? undefined : unlessSessionEnded(error);
      said.value = problem === undefined ? '' : `${words.failed} ${messageOf(problem)}`;
    } finally {
      isLoading.value = false;
    }
  };
  return (
    <>
      <button type="button" disabled={isLoading.value} onClick={save}>
        {words.download(count(found))}
      </button>
      <p class="small mute" role="status">
        {said.value}
      </p>
    </>
  );
}

function offer(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  Object.assign(document.createElement('a'), { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}
