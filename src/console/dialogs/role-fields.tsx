import { accessText as words } from '../texts/access.ts';

interface RoleFieldsProps {
  /** The roles to choose from, each with what it allows. */
  readonly choices?: Readonly<Record<string, string>>;
  /** The present roles; by default the first choice. */
  readonly present?: readonly string[];
}

/** The roles to choose from, each with what it allows. Present roles without a text of their own stay choosable, so that no change loses one. */
export function RoleFields({ choices = words.choices, present }: RoleFieldsProps) {
  const names = [...new Set([...Object.keys(choices), ...(present ?? [])])];
  return (
    <fieldset>
      <legend>{words.roles}</legend>
      {names.map((role, at) => (
        <label key={role} class="tick">
          <input
            type="checkbox"
            name="roles"
            value={role}
            defaultChecked={present === undefined ? at === 0 : present.includes(role)}
          />
          <span>
            {role}
            <span class="mute small hint">{choices[role] ?? ''}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

/** The chosen roles. @throws Error without one */
export function rolesOf(fields: FormData): string[] {
  const roles = fields.getAll('roles').map(String);
  if (roles.length === 0) throw new Error(words.noRole);
  return roles;
}
