/** Exit codes of all commands (docs/reference/interfaces.md). */
export const exitCode = {
  done: 0,
  failed: 1,
  usageOrPrecondition: 2,
  differences: 3,
  stoppedCanBeResumed: 4,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];
