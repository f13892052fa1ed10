import { accessText as words } from '../texts/access.ts';

/** The roles to choose from, each with what it allows. */
export function RoleFields() {
  return (
    <fieldset>
      <legend>{words.roles}</legend>
      {Object.entries(words.choices).map(([role, allows], at) => (
        <label key={role} class="tick">
          <input type="checkbox" name="roles" value={role} defaultChecked={at === 0} />
          <span>
            {role}
            <span class="mute small hint">{allows}</span>
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
