const cleanUps = new Set<() => void>();
let installed = false;

/**
 * Registers work that must run before this process ends, however it ends except by SIGKILL. The latest registration runs first.
 * @param cleanUp must be synchronous; its exceptions are ignored, so that the others still run
 * @returns removes the registration
 */
export function cleanUpAtExit(cleanUp: () => void): () => void {
  install();
  cleanUps.add(cleanUp);
  return () => void cleanUps.delete(cleanUp);
}

function install(): void {
  if (installed) return;
  installed = true;
  process.on('exit', () => {
    for (const cleanUp of [...cleanUps].reverse()) {
      try {
        cleanUp();
      } catch {
        // The process is ending, so no one could handle the error, and the rest still has to be cleaned up.
      }
    }
  });
  // By default a signal ends the process without the exit event.
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.on(signal, () => process.exit(code));
  }
}
