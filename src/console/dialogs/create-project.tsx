import { call } from '../api/client.ts';
import { holds, organizationId, readSession } from '../api/session.ts';
import { projectsText as words } from '../texts/projects.ts';
import { Ask } from './ask.tsx';
import { Field, textOf } from './field.tsx';

/** The button to create a project; absent without the role. */
export function CreateProject({ onDone }: { readonly onDone: () => Promise<void> }) {
  if (!holds('ORG_GROUP_CREATOR')) return null;
  return (
    <Ask
      label={words.create}
      {...words.creation}
      isMain
      onSubmit={(fields) =>
        call('POST', '/groups', { name: textOf(fields, 'name'), orgId: organizationId() })
          // The session owns the project now, so that the page shows what it may do there.
          .then(readSession)
          .then(onDone)
      }
    >
      <Field label={words.name} name="name" maxLength={64} required />
    </Ask>
  );
}
