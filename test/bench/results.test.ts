import t from 'tap'
import { drawCost } from '../../bench/results/plot.ts'
import { spreadOf, wholeOf } from '../../bench/results/results.ts'
import {
  renderCost,
  renderLatency,
  renderMemory,
  renderResults,
} from '../../bench/results/table.ts'
import { costOf, WORKS } from '../../bench/work.ts'

const machine = {
  date: '2026-11-21T09:00:00.000Z',
  cpu: 'a CPU',
  cores: 2,
  kernel: '6.1',
  node: '24.0.0',
  openssl: '3.5.0',
  load: 0.25,
  contenders: { ours: '1', theirs: '2' },
}

const cell = (contender: string, median: number) => ({
  route: 'http-https',
  work: 'GET 1 GiB',
  unit: 'CPU-s/GiB' as const,
  contender,
  cost: { median, min: median, max: median },
  requestsPerSecond: { median: 1, min: 1, max: 1 },
  latency: { p50: 0.5, p99: 2 },
})

const cost = { machine, runs: 3, cells: [cell('ours', 0.5), cell('theirs', 1)], direct: [] }

const memory = {
  machine,
  transfers: [
    {
      route: 'http-http',
      contender: 'ours',
      phases: [
        { name: 'PUT', startMiB: 50, peakMiB: 60 },
        { name: 'GET', startMiB: 55, peakMiB: 58 },
      ],
    },
  ],
  slowDownloads: [
    { route: 'http-http', contender: 'theirs', connections: 64, growthMiBPerConnection: 0.5 },
  ],
}

t.test('a spread is the median between the least and the most', async t => {
  t.strictSame(spreadOf([3, 1, 2]), { median: 2, min: 1, max: 3 })
  t.strictSame(spreadOf([4, 1]), { median: 2.5, min: 1, max: 4 })
})

t.test('a cost is per GiB for large bodies, per request for small ones', async t => {
  const costs = WORKS.map(work => [work.name, costOf(work, 0.6)])
  t.strictSame(costs, [
    ['GET 1 GiB', 0.6],
    ['PUT 1 GiB', 0.6],
    ['GET 64 KiB, 32 connections', 75],
    ['PUT 64 KiB, 32 connections', 75],
    ['GET 4 KiB, 32 connections', 20],
    ['PUT 4 KiB, 32 connections', 20],
    ['GET 4 KiB, 1 connection', 75],
    ['GET 4 KiB, 256 connections', 30],
  ])
})

t.test('the first contender is a multiple of its peers', async t => {
  const lines = renderCost(cost).split('\n')
  t.equal(lines[2], '| route | work | unit | ours | theirs | × theirs |')
  t.equal(
    lines[4],
    '| http→https | GET 1 GiB | CPU-s/GiB | 0.50 (0.50–0.50) | 1.00 (1.00–1.00) | 0.50 |',
  )
})

t.test('latency is of one connection alone, beside the way without a proxy', async t => {
  const work = 'GET 4 KiB, 1 connection'
  const direct = [{ route: 'http-https', work, latency: { p50: 0.2, p99: 0.5 } }]
  const cells = [...cost.cells, { ...cell('ours', 20), work }]
  t.strictSame(
    renderLatency({ ...cost, cells, direct })
      .split('\n')
      .slice(2),
    [
      '| http→https | GET 4 KiB, 1 connection | no proxy | 0.200 | 0.500 | 0.000 | 0.000 |',
      '| http→https | GET 4 KiB, 1 connection | ours | 0.500 | 2.000 | 0.300 | 1.500 |',
    ],
  )
})

t.test('a plot has a bar for each cell of its unit, as long as its cost', async t => {
  const svg = drawCost(cost, 'CPU-s/GiB')
  const lengths = [...svg.matchAll(/<rect x="250" [^>]*width="([\d.]+)"/g)].map(
    ([, width]) => width,
  )
  t.strictSame(lengths, ['260.0', '520.0'])
  t.match(svg, /http→https GET 1 GiB/)
  t.notMatch(drawCost(cost, 'µs CPU/request'), /GET/)
})

t.test('memory grows from the first start to the highest peak', async t => {
  t.match(wholeOf(memory.transfers[0] ?? { route: '', contender: '', phases: [] }), {
    startMiB: 50,
    peakMiB: 60,
  })
  t.match(renderMemory(memory), /\| http→http \| theirs \| 64 \| 0\.50 \|/)
})

t.test('the page says on what, and shows only what was recorded', async t => {
  t.match(
    renderResults({ cost }),
    /2026-11-21 on 2 cores of a CPU, Linux 6\.1; load average 0\.3 before; node 24\.0\.0/,
  )
  t.notMatch(renderResults({ cost }), /Memory/)
  t.match(renderResults({ cost, memory }), /### CPU.*### Memory/s)
})
