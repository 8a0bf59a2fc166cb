/** Does a work for each number below `count`, 16 at once. */
export const inParallel = async (
  count: number,
  work: (i: number) => Promise<unknown>,
): Promise<void> => {
  let next = 0
  const worker = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) await work(i)
  }
  await Promise.all(Array.from({ length: 16 }, worker))
}
