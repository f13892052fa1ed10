import type { OperationId } from '../../contract/index.ts';
import type { OutputFormat } from '../progress/index.ts';

/** A flag whose value goes into the body, the query string or the path of the request. */
export interface Flag {
  readonly name: string;
  readonly description: string;
  /** One-letter name, if the Atlas CLI has one. */
  readonly short?: string;
  readonly needed?: boolean;
  /**
   * Kind of value; text by default. A `list` has commas, or the flag is given several times. A `boolean` takes no value; a `choice` is
   * `true` or `false`, or one of `choices`. A flag of `texts` is given several times.
   */
  readonly kind?: 'list' | 'texts' | 'number' | 'boolean' | 'choice';
  readonly choices?: readonly string[];
  readonly byDefault?: unknown;
  /** Name of the query parameter, or of the header, that carries the value. */
  readonly query?: string;
  readonly header?: string;
  /** Whether the API has the value in capital letters: it has `API_KEY` for `apiKey`. */
  readonly isEnumerated?: boolean;
}

/** The values of flags, argument, `orgId` and `projectId`, by name. */
export type Values = Readonly<Record<string, unknown>>;

/** Fetches a command's record, or the answer of another operation about it. */
export type Look = (operation?: OperationId) => Promise<unknown>;

/** One command that sends one API request, as data. */
export interface AdministrationCommand {
  /** A verb, or a nested noun and a verb: `access-list create`. */
  readonly name: string;
  /** A phrase that begins with a verb, such as `List projects`. */
  readonly summary: string;
  readonly operation: OperationId;
  /** Other operations, by the names of the flags that choose them. The flags exclude each other. */
  readonly others?: Readonly<Record<string, OperationId>>;
  /** The names of flags or the argument that fill parameters of the path, where they are not those of all commands. */
  readonly placeholders?: Readonly<Record<string, string>>;
  /** Name of the argument. A flag of that name is accepted as well, because the Atlas CLI has some of them as flags. */
  readonly argument?: string;
  /** A flag that is taken as an argument after that one, too. */
  readonly second?: string;
  readonly flags?: readonly Flag[];
  readonly body?: (values: Values) => object;
  /** Columns of the table, for lists and single records. */
  readonly columns: readonly Column[];
  /** Makes the text below the table. */
  readonly more?: (answer: unknown) => string;
  /** Makes the text for people of a success whose answer has no body; none by default. */
  readonly done?: (values: Values) => string;
  /** Fetches warnings to show before the request is sent. */
  readonly before?: { readonly operation: OperationId; readonly warnings: (answer: unknown) => readonly string[] };
  /**
   * Waits for the effect of the request.
   * @param look  fetches the record, or the answer of another operation
   * @returns the last answer, which the command shows
   */
  readonly after?: (look: Look, values: Values, answer: unknown) => Promise<unknown>;
  /** The operation with which `after` fetches the record. */
  readonly record?: OperationId;
  /** Follows the record until it ends; runs for `--watch`. @returns the last answer, which the command shows */
  readonly watch?: (look: () => Promise<unknown>, format: OutputFormat) => Promise<unknown>;
}

/** A title, and a function that makes the cell of a record. */
export interface ComputedColumn {
  readonly title: string;
  readonly of: (record: unknown) => unknown;
}

/** A column of a table: a path in the answer, such as `roles.roleName`, or a computed one. */
export type Column = string | ComputedColumn;

/** Marks a flag as required. */
export const needed = <T extends Flag>(flag: T) => ({ ...flag, needed: true });

export const desc = { name: 'desc', description: 'Description' } as const;
export const roles = { name: 'role', description: 'Roles, separated by commas', kind: 'list' } as const;
export const called = { name: 'name', description: 'Name' } as const;

/** The flags of commands that list records, with the Atlas CLI's names. */
export const paging: readonly Flag[] = [
  { name: 'page', description: 'Number of the page', kind: 'number', query: 'pageNum' },
  { name: 'limit', description: 'Records on a page, up to 500; default: 100', kind: 'number', query: 'itemsPerPage' },
];

/** The flag that stops the Atlas CLI from asking for confirmation. Linkspan never asks; scripts may still pass it. */
export const force: Flag = {
  name: 'force',
  description: 'Accepted for compatibility; no command asks for confirmation',
  kind: 'boolean',
};

/** Puts commands under a nested noun. */
export const under = (noun: string, commands: readonly AdministrationCommand[]): AdministrationCommand[] =>
  commands.map((command) => ({ ...command, name: `${noun} ${command.name}` }));

/** Flags whose value a profile can give. */
export const PLACES = {
  orgId: 'Id of the organization (required, here or in the profile; env: LINKSPAN_ORG_ID)',
  projectId: 'Id of the project (required, here or in the profile; env: LINKSPAN_PROJECT_ID)',
} as const;
