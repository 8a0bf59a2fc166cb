import { escapeXml } from '../s3/xml.ts'
import { humanBytes } from '../walk/progress.ts'
import { coverage, type Group, percent, type Tally } from './tally.ts'

/** What a report page says of an audit, besides its figures. */
export interface ReportHead {
  /** Such as `s3://bucket/prefix`. */
  readonly place: string
  readonly client: string
  readonly date: Date
  readonly finished: boolean
}

const COLOURS = ['#1b7f5c', '#3a9fd6', '#7a63c7', '#c98a1b', '#5b8c3e', '#8a6d5a']
const BAD: Readonly<Record<string, string>> = {
  plaintext: '#c0392b',
  unreadable: '#7b1f3a',
  refused: '#777777',
  gone: '#bbbbbb',
}

/** A colour for each state, the same all over the page. */
const colouring = (states: readonly string[]): ((state: string) => string) => {
  const good = states.filter(state => BAD[state] === undefined)
  return state => BAD[state] ?? COLOURS[good.indexOf(state) % COLOURS.length] ?? '#777777'
}

type Row = readonly [name: string, group: Group]

const ROW = 26
const NAME = 260
const BAR = 520

const rowSvg = ([name, group]: Row, index: number, colour: (state: string) => string): string => {
  let at = NAME
  const y = index * ROW
  const bars = Object.entries(group.states).map(([state, { objects }]) => {
    const width = (BAR * objects) / Math.max(1, group.all.objects)
    const title = `${state}: ${objects} objects`
    const svg = `<rect x="${at.toFixed(2)}" y="${y + 4}" width="${width.toFixed(2)}" height="${ROW - 8}" fill="${colour(state)}"><title>${escapeXml(title)}</title></rect>`
    at += width
    return svg
  })
  const label = name === '' ? '(top)' : name
  const shown = label.length > 36 ? `…${label.slice(-35)}` : label
  return `<text x="${NAME - 8}" y="${y + 18}" text-anchor="end">${escapeXml(shown)}</text>${bars.join('')}<text x="${NAME + BAR + 8}" y="${y + 18}">${percent(coverage(group))}</text>`
}

const chart = (rows: readonly Row[], colour: (state: string) => string, title: string): string =>
  `<svg role="img" aria-label="${escapeXml(title)}" viewBox="0 0 ${NAME + BAR + 90} ${rows.length * ROW}" xmlns="http://www.w3.org/2000/svg">${rows.map((row, index) => rowSvg(row, index, colour)).join('')}</svg>`

const legend = (states: readonly string[], colour: (state: string) => string): string =>
  states
    .map(state => `<li><span style="background:${colour(state)}"></span>${escapeXml(state)}</li>`)
    .join('')

const stateRow = (
  state: string,
  { objects, bytes }: { objects: number; bytes: number },
  all: number,
) =>
  `<tr><td>${escapeXml(state)}</td><td>${objects}</td><td>${humanBytes(bytes)}</td><td>${percent(objects / Math.max(1, all))}</td></tr>`

/** One bar for each state, so that versions can be compared. */
const versionRows = ({ whole }: Tally): readonly Row[] =>
  Object.entries(whole.states).map(([state, sum]) => [
    state,
    {
      states: { [state]: sum, '': { objects: whole.all.objects - sum.objects, bytes: 0 } },
      covered: sum,
      all: whole.all,
    },
  ])

const STYLE = `:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}svg{width:100%;height:auto}svg text{font-size:13px;fill:currentColor}table{border-collapse:collapse}td,th{padding:.2rem .8rem;text-align:right}td:first-child,th:first-child{text-align:left}ul{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.3rem 1.2rem}li span{display:inline-block;width:.9em;height:.9em;margin-right:.4em}.big{font-size:2.4rem;font-weight:600;margin:.2rem 0}`

/** An audit as one HTML page that needs nothing else: no script, no font, no request. */
export const reportPage = (tally: Tally, head: ReportHead): string => {
  const { whole, prefixes } = tally
  const states = Object.keys(whole.states).sort()
  const colour = colouring(states)
  const byColour = (state: string): string => (state === '' ? 'transparent' : colour(state))
  const rows = Object.entries(prefixes)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Audit of ${escapeXml(head.place)}</title><style>${STYLE}</style></head><body>
<h1>Audit of ${escapeXml(head.place)}</h1>
<p>${head.date.toISOString()}, by the rules of client ${escapeXml(head.client)}${head.finished ? '' : '; <strong>not finished</strong>'}</p>
<p class="big">${percent(coverage(whole))}</p><p>${whole.covered.objects} of ${whole.all.objects} objects (${humanBytes(whole.covered.bytes)} of ${humanBytes(whole.all.bytes)}) are stored as the rules say.</p>
<ul>${legend(states, colour)}</ul>
<h2>By key version</h2>${chart(versionRows(tally), byColour, 'Share of objects by key version')}
<table><tr><th>stored</th><th>objects</th><th>bytes</th><th>share</th></tr>${states.map(state => stateRow(state, whole.states[state] ?? { objects: 0, bytes: 0 }, whole.all.objects)).join('')}</table>
<h2>By prefix</h2>${chart(rows, byColour, 'Coverage by prefix')}
</body></html>
`
}
