/**
 * Waits until all promises are settled, so that nothing continues after a failure.
 * @param onFailure  called at once with each failure, to end the others
 * @throws the first failure in the order of the promises
 */
export async function allEnded(
  promises: readonly Promise<unknown>[],
  onFailure: (error: unknown) => void = () => undefined,
): Promise<void> {
  for (const promise of promises) promise.catch(onFailure);
  const failed = (await Promise.allSettled(promises)).find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
