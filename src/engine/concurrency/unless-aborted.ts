/** Returns the promise's value, or undefined when the signal aborts first; a later value is dropped. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const aborted = Promise.withResolvers<undefined>();
  const abort = () => aborted.resolve(undefined);
  signal.addEventListener('abort', abort);
  if (signal.aborted) abort();
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** The promise's result. @throws the signal's reason once it aborts; a later result is dropped */
export async function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const result = await unlessAborted(
    promise.then((value) => ({ value })),
    signal,
  );
  if (result === undefined) throw signal.reason;
  return result.value;
}
