import type { OutputFormat } from '../progress/index.ts';

/** What a flag is worth in the request: in its body, in its query string, or in its path where that names it. */
export interface Flag {
  readonly name: string;
  readonly description: string;
  /** Its name in one letter, where the Atlas CLI has one. */
  readonly short?: string;
  readonly needed?: boolean;
  /** A list (with commas, or the flag several times), a number, there or not, or true or false; a text by default. */
  readonly kind?: 'list' | 'number' | 'boolean' | 'choice';
  /** The parameter of the query string that it becomes. */
  readonly query?: string;
}

/** Flags, the argument, `orgId` and `projectId`, by their names. */
export type Values = Readonly<Record<string, unknown>>;

/** One command over the API, as data. */
export interface AdministrationCommand {
  /** A verb, or a noun of the second rank and a verb: `access-list create`. */
  readonly name: string;
  readonly summary: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `{orgId}` and `{projectId}` come from flags or the profile, what else it names from flags or the argument. */
  readonly path: string;
  /** What the command's argument is called; as a flag of that name it is taken, too, as the Atlas CLI wants some. */
  readonly argument?: string;
  /** A flag that is taken as an argument after that one, too. */
  readonly second?: string;
  readonly flags?: readonly Flag[];
  readonly body?: (values: Values) => object;
  /** Columns of the table; one record has the same. */
  readonly columns: readonly Column[];
  /** What follows the table of an answer. */
  readonly more?: (answer: unknown) => string;
  /** Asks the server for warnings that people read before the request is sent. */
  readonly before?: { readonly path: string; readonly warnings: (answer: unknown) => readonly string[] };
  /** Follows what is described until it ends, where `--watch` is given. @returns what the command shows then */
  readonly watch?: (look: () => Promise<unknown>, format: OutputFormat) => Promise<unknown>;
}

/** A path in the answer, such as `roles.roleName`, or a title and what makes the cell of a record. */
export type Column = string | { readonly title: string; readonly of: (record: unknown) => unknown };

/** A flag that its command does not do without. */
export const needed = <T extends Flag>(flag: T) => ({ ...flag, needed: true });

export const desc = { name: 'desc', description: 'what it is for' } as const;
export const roles = { name: 'role', description: 'roles, with commas', kind: 'list' } as const;
export const called = { name: 'name', description: 'its name' } as const;

/** Of commands that list; called as the Atlas CLI calls them. */
export const paging: readonly Flag[] = [
  { name: 'page', description: 'which page', kind: 'number', query: 'pageNum' },
  { name: 'limit', description: 'records of a page, up to 500; default: 100', kind: 'number', query: 'itemsPerPage' },
];

/** Of what the Atlas CLI asks before it does it. */
export const force: Flag = { name: 'force', description: 'without effect: nothing is asked before', kind: 'boolean' };

/** The same commands under a noun of the second rank. */
export const under = (noun: string, commands: readonly AdministrationCommand[]): AdministrationCommand[] =>
  commands.map((command) => ({ ...command, name: `${noun} ${command.name}` }));

/** What a profile may say, too. */
export const PLACES = {
  orgId: 'organization (required, here or in the profile; env: LINKSPAN_ORG_ID)',
  projectId: 'project (required, here or in the profile; env: LINKSPAN_PROJECT_ID)',
} as const;
