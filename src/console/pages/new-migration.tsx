import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { shownBytes } from '../../contract/index.ts';
import { listSources } from '../api/agents.ts';
import { call } from '../api/client.ts';
import { listProjects } from '../api/lists.ts';
import { usePolled } from '../api/polled.ts';
import type { LiveMigration, MigrationRequest, Validation } from '../api/types.ts';
import { validate } from '../api/validations.ts';
import { Ask } from '../dialogs/ask.tsx';
import { Field, textOf } from '../dialogs/field.tsx';
import { clusterName, count, counted, duration, rate } from '../format.ts';
import { Message } from '../message.tsx';
import { PolledPage } from '../page.tsx';
import { Fact, Facts, Panel } from '../panels/panel.tsx';
import { Notes, notesOfFindings } from '../panels/warnings.tsx';
import { hrefOf, migrationHref } from '../router.ts';
import { messageOf, text } from '../text.ts';
import { newText as words } from '../texts/new-migration.ts';

/** Something to choose: its words, and its part of the request. */
interface Choice<Part> {
  readonly label: string;
  readonly part: Part;
}

type Source = Pick<MigrationRequest, 'source' | 'migrationHosts'>;
type Destination = MigrationRequest['destination'];

async function readChoices(signal: AbortSignal) {
  const [projects, sources] = await Promise.all([listProjects(signal), listSources(signal)]);
  return {
    sources: sources.flatMap(({ projectId: groupId, name, migrationHosts, deployments }) =>
      deployments.flatMap((deployment) =>
        migrationHosts.map((host): Choice<Source> => {
          const { name: ofCluster, tlsEnabled: ssl } = deployment;
          return {
            label: words.sourceOf(clusterName(deployment), name, host),
            part: {
              source: { clusterName: ofCluster, groupId, ssl, managedAuthentication: true },
              migrationHosts: [host],
            },
          };
        }),
      ),
    ),
    destinations: projects.flatMap(({ project, clusters }) =>
      clusters.map(
        ({ name: clusterName, groupId }): Choice<Destination> => ({
          label: words.destinationOf(clusterName, project.name),
          part: { clusterName, groupId },
        }),
      ),
    ),
  };
}

/** Chooses source, destination and options, lets the agent check them, and starts the migration. */
export function NewMigrationPage() {
  return (
    <PolledPage title={text.pages.new} polled={usePolled(readChoices)}>
      {({ sources, destinations }) => {
        if (sources.length === 0) return <Missing what={words.noSource} page="agents" how={words.toAgents} />;
        if (destinations.length === 0)
          return <Missing what={words.noDestination} page="projects" how={words.toProjects} />;
        return <Order sources={sources} destinations={destinations} />;
      }}
    </PolledPage>
  );
}

function Missing({
  what,
  page,
  how,
}: {
  readonly what: string;
  readonly page: 'agents' | 'projects';
  readonly how: string;
}) {
  return (
    <p>
      {what} <a href={hrefOf(page)}>{how}</a>
    </p>
  );
}

interface OrderProps {
  readonly sources: readonly Choice<Source>[];
  readonly destinations: readonly Choice<Destination>[];
}

function Order({ sources, destinations }: OrderProps) {
  const request = useSignal<MigrationRequest | undefined>(undefined);
  const validation = useSignal<Validation | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const checks = useRef<AbortController>(undefined);
  useEffect(() => () => checks.current?.abort(), []);

  /** A change makes the result of a check worthless. */
  const forget = () => {
    checks.current?.abort();
    request.value = undefined;
    validation.value = undefined;
    problem.value = undefined;
  };
  const check = async (event: SubmitEvent) => {
    event.preventDefault();
    forget();
    const own = new AbortController();
    checks.current = own;
    const wanted = requestOf(new FormData(event.currentTarget as HTMLFormElement));
    request.value = wanted;
    try {
      const answer = await validate(wanted, own.signal);
      if (!own.signal.aborted) validation.value = answer;
    } catch (error) {
      if (own.signal.aborted) return;
      forget();
      problem.value = messageOf(error);
    }
  };
  const isChecking = request.value !== undefined && validation.value === undefined;
  return (
    <div class="stack">
      <form class="stack" onSubmit={check} onInput={forget}>
        <Panel title={words.source}>
          <Select label={words.cluster} name="source" choices={sources} />
          <Field label={words.user} hint={words.userHint} name="username" />
          <Field
            label={words.password}
            hint={words.passwordHint}
            name="password"
            type="password"
            autocomplete="new-password"
          />
        </Panel>
        <Panel title={words.destination}>
          <Select label={words.cluster} name="destination" choices={destinations} />
        </Panel>
        <Panel title={words.options}>
          <Tick name="drop" label={words.drop} why={words.dropWhy} />
          <Tick name="reversible" label={words.reversible} why={words.reversibleWhy} />
          <Tick name="usersAndRoles" label={words.usersAndRoles} why={words.usersAndRolesWhy} />
          <Field label={words.digestsBy} hint={words.digestsByHint} name="digestsBy" />
        </Panel>
        {problem.value !== undefined && <Message tone="bad">{problem.value}</Message>}
        <div class="actions">
          <button type="submit" class={validation.value?.status === 'SUCCESS' ? '' : 'go'} aria-disabled={isChecking}>
            {words.check}
          </button>
        </div>
      </form>
      {isChecking && <Message tone="calm">{words.checking}</Message>}
      {validation.value && request.value && <Result validation={validation.value} request={request.value} />}
    </div>
  );
}

function Result({ validation, request }: { readonly validation: Validation; readonly request: MigrationRequest }) {
  const { status, errorMessage, linkspan } = validation;
  const isGood = status === 'SUCCESS';
  const { clusterName, groupId } = request.destination;
  const drops = request.dropDestinationData === true;
  const start = async () => {
    const { _id } = await call<LiveMigration>('POST', `/groups/${groupId}/liveMigrations`, request);
    location.hash = migrationHref(groupId, _id);
  };
  const notes = notesOfFindings(linkspan.findings);
  return (
    <Panel title={words.result} note={counted(notes.length, 'finding')}>
      <Message tone={isGood ? 'calm' : 'bad'}>
        {isGood ? words.passed : notes.length > 0 ? words.refused : errorMessage}
      </Message>
      <Notes notes={notes} />
      <Estimate estimate={linkspan.estimate} />
      {isGood && (
        <div class="buttons">
          <Ask
            label={words.start}
            {...words.starting(request.source.clusterName, clusterName, drops)}
            isMain
            isDangerous={drops}
            {...(drops ? { typed: clusterName } : {})}
            onSubmit={start}
          />
        </div>
      )}
    </Panel>
  );
}

/** The data that the migration would copy, the time that this takes, and the reason for that time. */
function Estimate({ estimate }: { readonly estimate: Validation['linkspan']['estimate'] }) {
  if (estimate === undefined) return <p class="mute small">{words.sizeUnknown}</p>;
  const { collections, documents, bytes: size, indexes, indexBytes, left, copy } = estimate;
  return (
    <>
      <Facts isWide>
        <Fact name={words.data}>
          {words.dataOf(shownBytes(size), counted(documents, 'document'), counted(collections, 'collection'))}
        </Fact>
        <Fact name={words.indexes}>{words.indexesOf(count(indexes), shownBytes(indexBytes))}</Fact>
        <Fact name={words.copyTime}>
          {copy === undefined
            ? words.timeUnknown
            : words.timeOf(duration(copy.seconds), rate(copy.bytesPerSecond, shownBytes), words.bases[copy.restsOn])}
        </Fact>
      </Facts>
      {left > 0 && <Message tone="warn">{words.leftOut(left)}</Message>}
    </>
  );
}

function Select({
  label,
  name,
  choices,
}: {
  readonly label: string;
  readonly name: string;
  readonly choices: readonly Choice<object>[];
}) {
  return (
    <label>
      {label}
      <select name={name} required>
        {choices.map(({ label: words_, part }) => (
          <option key={words_} value={JSON.stringify(part)}>
            {words_}
          </option>
        ))}
      </select>
    </label>
  );
}

function Tick({ name, label, why }: { readonly name: string; readonly label: string; readonly why: string }) {
  return (
    <label class="tick">
      <input type="checkbox" name={name} />
      <span>
        <b>{label}</b>
        <span class="mute small hint">{why}</span>
      </span>
    </label>
  );
}

function requestOf(fields: FormData): MigrationRequest {
  const { source, migrationHosts }: Source = JSON.parse(textOf(fields, 'source'));
  const username = textOf(fields, 'username');
  const digestsBy = textOf(fields, 'digestsBy');
  const credentials = { username, password: textOf(fields, 'password'), managedAuthentication: false };
  return {
    source: username === '' ? source : { ...source, ...credentials },
    migrationHosts,
    destination: JSON.parse(textOf(fields, 'destination')),
    dropDestinationData: fields.has('drop'),
    linkspan: {
      reversible: fields.has('reversible'),
      usersAndRoles: fields.has('usersAndRoles'),
      ...(digestsBy !== '' && { digestsBy }),
    },
  };
}
