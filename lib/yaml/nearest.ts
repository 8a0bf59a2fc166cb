/** How many letters must be added, dropped or changed to make `b` of `a`. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j++) {
      const change = (row[j] ?? 0) + (letter === b[j] ? 0 : 1)
      next.push(Math.min(change, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

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
