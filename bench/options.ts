import { parseArgs } from 'node:util'
import type { Contender } from './contenders/contender.ts'
import { HAPROXY } from './contenders/haproxy.ts'
import { HTTP_PROXY_3 } from './contenders/http-proxy-3.ts'
import { NGINX } from './contenders/nginx.ts'
import { SSEC_PROXY, SSEC_PROXY_FAST } from './contenders/ssec-proxy.ts'
import { ROUTES, type Route } from './stage/route.ts'

/** The peers pass through. */
export const CONTENDERS: readonly Contender[] = [
  SSEC_PROXY,
  SSEC_PROXY_FAST,
  NGINX,
  HAPROXY,
  HTTP_PROXY_3,
]

export interface Options {
  /** A smoke: little work, one run, nothing recorded. */
  readonly quick: boolean
  readonly runs: number
  readonly node: string
  readonly routes: readonly Route[]
  /** The first is the one under test. */
  readonly contenders: readonly [Contender, ...Contender[]]
}

/**
 * Reads the command line: `--quick`, `--runs N`, `--node PATH`, `--route NAME` and `--contender NAME`
 * (both may be given several times). Contenders that are not installed stay out.
 */
export const parseOptions = async (
  args: readonly string[],
  defaultRoutes: readonly Route[],
): Promise<Options> => {
  const { values } = parseArgs({ args: [...args], options: OPTIONS })
  const asked = values.contender ? named(CONTENDERS, values.contender) : CONTENDERS
  const [first, ...peers] = await installed(asked)
  if (first === undefined) throw new Error('no contender is installed')
  return {
    quick: values.quick,
    runs: values.quick ? 1 : parseRuns(values.runs),
    node: values.node,
    routes: values.route ? named(ROUTES, values.route) : defaultRoutes,
    contenders: [first, ...peers],
  }
}

const OPTIONS = {
  quick: { type: 'boolean', default: false },
  runs: { type: 'string', default: '3' },
  node: { type: 'string', default: process.execPath },
  route: { type: 'string', multiple: true },
  contender: { type: 'string', multiple: true },
} as const

const installed = async (asked: readonly Contender[]): Promise<readonly Contender[]> => {
  const versions = await Promise.all(asked.map(contender => contender.version()))
  return asked.filter(({ name }, index) => {
    const isInstalled = versions[index] !== undefined
    if (!isInstalled) console.error(`${name} is not installed: left out`)
    return isInstalled
  })
}

const parseRuns = (text: string): number => {
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--runs ${text} is not a count`)
  return Number(text)
}

const named = <T extends { readonly name: string }>(
  all: readonly T[],
  names: readonly string[],
): readonly T[] =>
  names.map(name => {
    const found = all.find(each => each.name === name)
    if (found === undefined) {
      throw new Error(`${name} is none of ${all.map(each => each.name).join(', ')}`)
    }
    return found
  })
