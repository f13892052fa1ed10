import type { ComponentChildren } from 'preact';
import { listAgents } from '../api/agents.ts';
import { listProjects, readPage } from '../api/lists.ts';
import { usePolled } from '../api/polled.ts';
import { mayAct, organizationId } from '../api/session.ts';
import type { AuditEvent } from '../api/types.ts';
import { CreateProject } from '../dialogs/create-project.tsx';
import { IssueLinkToken } from '../dialogs/issue-link-token.tsx';
import { RegisterDestination } from '../dialogs/register-destination.tsx';
import { Icon } from '../icon.tsx';
import { Message } from '../message.tsx';
import { Panel } from '../panels/panel.tsx';
import { hrefOf } from '../router.ts';
import { text } from '../text.ts';
import { guideText as words } from '../texts/guide.ts';

/** The steps to a first migration. Each ticks itself off when the server knows that it is done. */
export function Guide() {
  return <Panel title={text.home.none}>{mayAct() ? <Steps /> : <p class="mute">{words.alone}</p>}</Panel>;
}

async function readState(signal: AbortSignal) {
  const [projects, { links, sources }, issued] = await Promise.all([
    listProjects(signal),
    listAgents(signal),
    // The API lists no link-tokens; the audit has their creation.
    readPage<AuditEvent>(`/orgs/${organizationId()}/events`, 'itemsPerPage=1&eventType=LINK_TOKEN_CREATED', signal),
  ]);
  return {
    groupId: projects[0]?.project.id,
    done: [
      projects.length > 0,
      projects.some(({ clusters }) => clusters.length > 0),
      links.length + issued.length > 0,
      sources.length > 0,
      false,
    ],
  };
}

function Steps() {
  const { value, problem, reload } = usePolled(readState);
  if (problem.value !== undefined) return <Message tone="bad">{problem.value}</Message>;
  if (value.value === undefined) return <p class="mute">{text.loading}</p>;
  const { done, groupId = '' } = value.value;
  const current = done.indexOf(false);
  // A link-token can be issued again until an agent is there: the first one may be lost.
  const actions: readonly ComponentChildren[] = [
    current === 0 && <CreateProject onDone={reload} />,
    current === 1 && <RegisterDestination groupId={groupId} isMain onDone={reload} />,
    current >= 2 && !done[3] && <IssueLinkToken />,
    null,
    current === 4 && (
      <a class="button go" href={hrefOf('new')}>
        {text.pages.new}
      </a>
    ),
  ];
  return (
    <ol class="guide">
      {words.steps.map(([title, why], at) => (
        <li key={title} class={at === current ? 'now' : ''} aria-current={at === current ? 'step' : undefined}>
          <Icon name={done[at] ? 'ready' : at === current ? 'running' : 'waiting'} tone={done[at] ? 'ok' : 'mute'} />
          <div>
            <b>
              {done[at] && <span class="unseen">{words.done} </span>}
              {title}
            </b>
            {!done[at] && <p class="mute small">{why}</p>}
            {actions[at]}
          </div>
        </li>
      ))}
    </ol>
  );
}
