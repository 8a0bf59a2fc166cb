/** How many letters must be added, dropped, changed or swapped with the next to make `b` of `a`. */
const distance = (a: string, b: string): number => {
  let before: readonly number[] = []
  let row: readonly number[] = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j++) {
      const swapped = a[i] === b[j - 1] && a[i - 1] === b[j]
      next.push(
        Math.min(
          at(row, j) + (a[i] === b[j] ? 0 : 1),
          at(row, j + 1) + 1,
          at(next, j) + 1,
          swapped ? at(before, j - 1) + 1 : Number.POSITIVE_INFINITY,
        ),
      )
    }
    before = row
    row = next
  }
  return at(row, b.length)
}

const at = (row: readonly number[], i: number): number => row[i] ?? Number.POSITIVE_INFINITY

/** The one of `known` that was probably meant by `name`; undefined when none is near. */
export const nearest = (name: string, known: Iterable<string>): string | undefined => {
  if (name.length > 64) return undefined
  const wanted = name.toLowerCase()
  const tolerated = Math.max(1, Math.floor(name.length / 3))
  return [...known]
    .map(each => ({ each, away: distance(wanted, each.toLowerCase()) }))
    .filter(({ away }) => away <= tolerated)
    .sort((a, b) => a.away - b.away)[0]?.each
}

/** What to do about an unknown `name`: the known one that was probably meant, or all of them. */
export const meant = (name: string, known: Iterable<string>): string => {
  const near = nearest(name, known)
  if (near !== undefined) return `Did you mean ${near}?`
  const all = [...known]
  return all.length === 0 ? 'There is none yet.' : `Known: ${all.join(', ')}.`
}
