import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { z } from 'zod'

// Keys are in the memory of the process: it is to reach no disk.

const DEPLOY = join(import.meta.dirname, '../../deploy')

t.test('the service dumps no core, and is not swapped', async t => {
  const lines = (await readFile(join(DEPLOY, 'systemd/ssec-proxy.service'), 'utf8')).split('\n')
  for (const line of ['LimitCORE=0', 'MemorySwapMax=0', 'ProtectProc=invisible'])
    t.ok(lines.includes(line), line)
})

t.test('the image starts the program with its words, and without core dumps', async t => {
  const text = await readFile(join(DEPLOY, 'Containerfile'), 'utf8')
  const entry = /^ENTRYPOINT (.+)$/m.exec(text)?.[1] ?? ''
  const [shell = '', ...words] = z.array(z.string()).parse(JSON.parse(entry))
  const folder = t.testdir({})
  const program = `#!/bin/sh\nulimit -c\nprintf '%s\\n' "$@"\n`
  await writeFile(join(folder, 'ssec-proxy'), program, { mode: 0o755 })
  const env = { PATH: `${folder}:/usr/bin:/bin` }
  const { stdout } = await promisify(execFile)(shell, [...words, 'serve', 'a b'], { env })
  t.equal(stdout, '0\nserve\na b\n')
})

t.test('no manifest takes the entry point of the image away', async t => {
  for (const name of ['gateway.yaml', 'sidecar.yaml']) {
    const text = await readFile(join(DEPLOY, 'kubernetes', name), 'utf8')
    t.notMatch(text, /^ *command:/m)
  }
})
