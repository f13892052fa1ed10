const cleanUps = new Set<() => void>();
let installed = false;

/**
 * Registers something that has to happen before this process ends, however it ends short of SIGKILL. Latest first.
 * @param cleanUp synchronous; what it throws is dropped, so that the others still run
 * @returns takes the registration back
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
        // The process is ending: there is nobody left to tell, and the rest still has to be cleaned up.
      }
    }
  });
  // A signal's default action ends the process without the exit event.
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.on(signal, () => process.exit(code));
  }
}
