/** Whether a name is one that a glob speaks of. */
export type GlobTest = (name: string) => boolean

/** Whether one character of a glob takes one of a name. A `*` in the name stands for many: see {@link globCovers}. */
const takes = (wanted: string | undefined, given: string | undefined): boolean =>
  wanted === given || (wanted === '?' && given !== '*')

/**
 * Matches in one pass: after a mismatch only the last `*` takes one character more, since an earlier one could gain
 * nothing by it. So a hostile glob costs glob × name steps, never the exponential time of a regular expression.
 */
const matches = (glob: string, name: string): boolean => {
  let at = 0
  let star = -1
  let resume = 0
  for (let i = 0; i < name.length; ) {
    if (glob[at] === '*') {
      star = at++
      resume = i
    } else if (takes(glob[at], name[i])) {
      at++
      i++
    } else if (star >= 0) {
      at = star + 1
      i = ++resume
    } else return false
  }
  return /^\**$/.test(glob.slice(at))
}

/** Whether a glob takes every name there is. */
export const isEverything = (glob: string): boolean => /^\*+$/.test(glob)

/** Compiles a glob over whole names: `*` is any run of characters, `?` any one; all else stands for itself. */
export const compileGlob = (glob: string): GlobTest => {
  if (isEverything(glob)) return () => true
  if (!/[*?]/.test(glob)) return name => name === glob
  return name => matches(glob, name)
}

/**
 * Whether every name that `inner` speaks of is also one of `outer`'s.
 *
 * Never wrongly true; it may be false where only a closer look at two unlike patterns would tell.
 */
export const globCovers = (outer: string, inner: string): boolean => matches(outer, inner)
