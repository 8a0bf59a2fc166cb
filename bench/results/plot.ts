import type { Unit } from '../work.ts'
import type { Cell, CostRecord, Spread } from './results.ts'
import { groupsOf, renderRoute } from './table.ts'

/* Costs as bars: a group for each route and work, a bar for each contender. */

const WIDTH = 860
const LABELS = 250
/** Room for a bar's figure behind it. */
const FIGURES = 90
const BAR = 11
const GAP = 12
const TOP = 40

/** By the order of the contenders; told apart on paper and by the colour-blind: Okabe and Ito. */
const COLOURS = ['#d55e00', '#0072b2', '#56b4e9', '#999999']

/** All cells of one unit as an SVG document. */
export const drawCost = ({ cells }: Pick<CostRecord, 'cells'>, unit: Unit): string => {
  const shown = cells.filter(cell => cell.unit === unit)
  const contenders = [...new Set(shown.map(({ contender }) => contender))]
  const most = Math.max(...shown.map(({ cost }) => cost.max))
  const scale = (WIDTH - LABELS - FIGURES) / most
  const step = contenders.length * BAR + GAP
  const groups = groupsOf(shown)
  const height = TOP + groups.length * step
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="10">`,
    `<title>${unit}: what each contender's work costs</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    ...legend(contenders, unit),
    ...groups.flatMap((group, index) =>
      drawGroup(group, contenders, TOP + index * step, scale, unit),
    ),
    '</svg>\n',
  ].join('\n')
}

const legend = (contenders: readonly string[], unit: Unit): readonly string[] => [
  `<text x="8" y="20" font-size="12">${unit}, less is better; the line spans all runs</text>`,
  ...contenders.flatMap((name, index) => {
    const x = 400 + index * 110
    return [
      `<rect x="${x}" y="11" width="10" height="10" fill="${colourOf(index)}"/>`,
      `<text x="${x + 14}" y="20">${name}</text>`,
    ]
  }),
]

const colourOf = (index: number): string => COLOURS[index % COLOURS.length] ?? '#000'

const drawGroup = (
  group: readonly Cell[],
  contenders: readonly string[],
  top: number,
  scale: number,
  unit: Unit,
): readonly string[] => {
  const [{ route, work } = { route: '', work: '' }] = group
  const middle = top + (contenders.length * BAR) / 2 + 3
  return [
    `<text x="${LABELS - 8}" y="${middle}" text-anchor="end">${renderRoute(route)} ${work}</text>`,
    ...group.flatMap(cell => {
      const index = contenders.indexOf(cell.contender)
      return drawBar(cell.cost, top + index * BAR, scale, colourOf(index), unit)
    }),
  ]
}

const drawBar = (
  { median, min, max }: Spread,
  top: number,
  scale: number,
  colour: string,
  unit: Unit,
): readonly string[] => {
  const at = (value: number): string => (LABELS + value * scale).toFixed(1)
  const middle = top + BAR / 2
  return [
    `<rect x="${LABELS}" y="${top}" width="${(median * scale).toFixed(1)}" height="${BAR - 2}" fill="${colour}"/>`,
    `<line x1="${at(min)}" y1="${middle - 1}" x2="${at(max)}" y2="${middle - 1}" stroke="#000"/>`,
    `<text x="${(LABELS + max * scale + 4).toFixed(1)}" y="${middle + 3}">${median.toFixed(unit === 'CPU-s/GiB' ? 2 : 0)}</text>`,
  ]
}
