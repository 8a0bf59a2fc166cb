#!/usr/bin/env node
// A reporter for tap: reads TAP, prints each test as it ends, every failure with its diagnosis and every skip
// with its cause, and closes with `N passed, N failed, N skipped`. Plain JavaScript, as tap itself runs it.

import { createInterface } from 'node:readline'

/** Tests deeper than this are told only when they fail or are skipped. */
const SHOWN_DEPTH = 3

const SUBTEST = /^( *)# Subtest: (.*)$/
const RESULT = /^( *)(not ok|ok) \d+(?: - (.*?))?(?: # (SKIP|TODO|time=)\s*(.*))?$/
const COUNTS = /^# \{ (total: .*) \}$/

const say = text => process.stdout.write(`${text}\n`)

const names = []
const skips = new Map()
const failures = []
let counts
let deepest = 0
let failure

const depthOf = indent => indent.length / 4

const titleOf = (depth, name = '') => [...names.slice(0, depth), name].join(' › ')

/** tap says milliseconds. */
const seconds = time => `${(Number.parseFloat(time) / 1000).toFixed(1)} s`

const noteFailure = title => {
  failure = { title, diagnosis: [] }
  failures.push(failure)
}

/** A test that failed by itself: it ran out of time, or its process died. */
const hasFailureIn = title => failures.some(each => each.title.startsWith(`${title} ›`))

const noteSkip = (title, cause) => skips.set(cause, [...(skips.get(cause) ?? []), title])

const readResult = ([, indent, outcome, name, mark, value = '']) => {
  const depth = depthOf(indent)
  const title = titleOf(depth, name)
  const isParent = deepest > depth
  failure = undefined
  deepest = depth
  if (mark === 'SKIP' || mark === 'TODO') return noteSkip(title, value || 'no cause given')
  if (isParent && depth <= SHOWN_DEPTH) say(`${outcome.padEnd(6)} ${title} (${seconds(value)})`)
  if (outcome === 'not ok' && !(isParent && hasFailureIn(title))) noteFailure(title)
}

const readLine = line => {
  const subtest = SUBTEST.exec(line)
  if (subtest) {
    names[depthOf(subtest[1])] = subtest[2]
    return
  }
  const result = RESULT.exec(line)
  if (result) return readResult(result)
  counts = COUNTS.exec(line)?.[1] ?? counts
  failure?.diagnosis.push(line)
}

const countOf = name => Number(new RegExp(`\\b${name}: (\\d+)`).exec(counts ?? '')?.[1] ?? 0)

const sum = () => {
  const skipped = countOf('skip') + countOf('todo')
  if (counts === undefined) return { passed: 0, failed: 1, skipped }
  return { passed: countOf('pass'), failed: countOf('fail'), skipped }
}

for await (const line of createInterface({ input: process.stdin })) readLine(line)

for (const { title, diagnosis } of failures) say(`\nFAILED ${title}\n${diagnosis.join('\n')}`)
for (const [cause, titles] of skips) say(`\nskipped: ${cause}\n  ${titles.join('\n  ')}`)
if (counts === undefined) say('\nFAILED the tests did not come to their end')
const { passed, failed, skipped } = sum()
say(`\n${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exitCode = failed === 0 ? 0 : 1
