import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { eventually } from '../support/eventually.ts';
import { type LinkspanProcess, program, runLinkspan } from '../support/linkspan-process.ts';
import { definitionsOf, stepsOf } from './steps.ts';

const run = promisify(execFile);
/** Why a cutover is refused by `linkspan migration`, and by `linkspan sync`. */
const NOT_READY = /\[CUTOVER_NOT_READY\]|"error":"NotReadyForCutover"/;
const BIN = fileURLToPath(new URL('../../bin', import.meta.url));
/** The program under test. The `linkspan` of a checkout's folder `bin` runs the sources, which takes twice as long to start. */
const LINKSPAN = `linkspan() { ${program()
  .map((word) => `'${word}'`)
  .join(' ')} "$@"; }\n`;
/** No one types faster, and each command starts a process. */
const BETWEEN_COMMANDS_MS = 1_000;

/** Follows a page like a person at a new machine. Processes in separate terminals end when the reader is disposed. */
export class Reader implements AsyncDisposable {
  readonly #terminals = new AsyncDisposableStack();
  readonly #folder: string;
  readonly variables: Record<string, string>;
  agent: LinkspanProcess | undefined;
  #definitions = `set -euo pipefail\n${LINKSPAN}`;
  #answer = '';

  /** @param variables  variables that the page expects to be set */
  constructor(folder: string, variables: Readonly<Record<string, string>>) {
    this.#folder = folder;
    this.variables = { ...variables };
  }

  /** The output of the last command. */
  get answer(): string {
    return this.#answer;
  }

  /** Follows a part of a page. @returns the commands that ran */
  async follow(part: string): Promise<string[]> {
    const commands: string[] = [];
    let until: string | undefined;
    for (const step of stepsOf(part)) {
      if (step.does === 'keep') this.#keep(step.field, step.variable);
      else if (step.does === 'repeat') until = step.until;
      else {
        await this.#type(step.command, until);
        commands.push(step.command);
        until = undefined;
      }
    }
    return commands;
  }

  async #type(command: string, until: string | undefined): Promise<void> {
    const service = /^(?:(?<name>\w+)="\$(?<variable>\w+)" )?linkspan (?<args>(?:serve|agent) .*)\n$/.exec(command);
    if (service?.groups) return await this.#start(service.groups);
    const env = { ...process.env, NO_PROXY: '*', PATH: `${BIN}${delimiter}${process.env.PATH}`, ...this.variables };
    const once = () => run('bash', ['-c', this.#definitions + command], { cwd: this.#folder, env });
    if (until === undefined) {
      // A migration that was ready a moment ago may not be ready now. docs/cut-over/cut-over.md says to repeat the command then.
      const taken = async () => {
        const [ended] = await Promise.allSettled([once()]);
        const shown = ended.status === 'fulfilled' ? ended.value.stdout : ended.reason.stderr;
        return NOT_READY.test(shown) ? undefined : ended;
      };
      const ended = await eventually(taken, { what: `${command} to be taken`, pollMs: BETWEEN_COMMANDS_MS });
      if (ended.status === 'rejected') throw ended.reason;
      this.#answer = ended.value.stdout;
    } else {
      // A terminal shows both streams, also of a command that is refused.
      const shown = async () => await once().catch((refused: Awaited<ReturnType<typeof once>>) => refused);
      const shows = async () => {
        const { stdout, stderr } = await shown();
        this.#answer = stdout;
        return `${stdout}${stderr}`.includes(until);
      };
      const what = `${command} to show ${until}`;
      await eventually(shows, { what, pollMs: BETWEEN_COMMANDS_MS }).catch((cause: Error) => {
        throw new Error(`${cause.message}\n${this.#answer}\n${this.agent?.stderr}`, { cause });
      });
    }
    this.#definitions += definitionsOf(command);
  }

  async #start({ name, variable = '', args = '' }: Record<string, string | undefined>): Promise<void> {
    const env = {
      LINKSPAN_LISTEN: '127.0.0.1:0',
      ...this.variables,
      ...(name && { [name]: this.variables[variable] ?? '' }),
    };
    const words = args.split(' ').map((word) => word.replace(/^~/, this.variables.HOME ?? '~'));
    const service = this.#terminals.use(runLinkspan(words, { cwd: this.#folder, env }));
    if (args.startsWith('agent')) {
      this.agent = service;
      return;
    }
    const [, url = ''] = await service.waitForLine(/^linkspan serve: ready at (\S+), data in /);
    const shown = (what: string) => new RegExp(`${what}: +(\\S+)`).exec(service.stdout)?.[1] ?? '';
    Object.assign(this.variables, {
      URL: url,
      ORG_ID: shown('Organization ID'),
      PUBLIC_KEY: shown('Public key'),
      PRIVATE_KEY: shown('Private key'),
    });
  }

  /** Returns a field of the last answer, which may be JSON or a table of one record. */
  #keep(field: string, variable: string): void {
    const [heads = [], cells = []] = this.#answer.split('\n').map((line) => line.split(/ {2,}/));
    const value = /^\{/.test(this.#answer) ? JSON.parse(this.#answer)[field] : cells[heads.indexOf(field)];
    assert.equal(typeof value, 'string', `${field} in ${this.#answer}`);
    this.variables[variable] = value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#terminals.disposeAsync();
  }
}
