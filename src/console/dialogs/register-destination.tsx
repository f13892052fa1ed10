import { useSignal } from '@preact/signals';
import { call } from '../api/client.ts';
import { holdsIn } from '../api/session.ts';
import { projectsText as words } from '../texts/projects.ts';
import { Ask } from './ask.tsx';
import { Field, textOf } from './field.tsx';

interface RegisterDestinationProps {
  readonly groupId: string;
  readonly isMain?: boolean;
  readonly onDone: () => Promise<void>;
}

/** The button to register a destination in a project; absent without the role. */
export function RegisterDestination({ groupId, isMain = false, onDone }: RegisterDestinationProps) {
  if (!holdsIn(groupId, 'GROUP_CLUSTER_MANAGER')) return null;
  return (
    <Ask
      label={words.register}
      {...words.registration}
      isMain={isMain}
      onSubmit={(fields) =>
        call('POST', `/groups/${groupId}/clusters`, { name: textOf(fields, 'name'), ...connectionOf(fields) }).then(
          onDone,
        )
      }
    >
      <Field
        label={words.clusterName}
        hint={words.clusterHint}
        name="name"
        maxLength={64}
        pattern="[A-Za-z0-9][A-Za-z0-9\-]*"
        expected={words.clusterExpected}
        required
      />
      <ConnectionField />
    </Ask>
  );
}

/** The connection string. It holds a password, so it is shown while it is typed only when the reader asks. */
export function ConnectionField() {
  const isShown = useSignal(false);
  const field = {
    label: words.connection,
    hint: words.connectionHint,
    name: 'connection',
    autocomplete: 'new-password',
    pattern: 'mongodb(\\+srv)?://.+',
    expected: words.connectionExpected,
    required: true,
  } as const;
  return (
    <>
      {isShown.value ? <Field {...field} type="text" /> : <Field {...field} type="password" />}
      <label class="tick">
        <input
          type="checkbox"
          checked={isShown.value}
          onChange={({ currentTarget }) => {
            isShown.value = currentTarget.checked;
          }}
        />
        <span>{words.showConnection}</span>
      </label>
    </>
  );
}

/** The connection string as a body of the API has it. */
export function connectionOf(fields: FormData) {
  return { connectionStrings: { standard: textOf(fields, 'connection') } };
}
