import { chmod, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { readConfig } from '../../lib/config/load.ts'
import { createPolicy } from '../../lib/policy/resolve.ts'
import { operationNamed } from '../../lib/s3/operation.ts'
import { KEYRING } from '../config/fixture.ts'
import { startBulkStage } from '../support/bulk.ts'

const FOLDER = join(import.meta.dirname, '../../examples/kubernetes')

const configMap = z.looseObject({
  kind: z.literal('ConfigMap'),
  data: z.record(z.string(), z.string()),
})

const job = z.looseObject({
  kind: z.literal('Job'),
  spec: z.object({
    completionMode: z.literal('Indexed'),
    completions: z.number(),
    parallelism: z.number(),
    backoffLimitPerIndex: z.number(),
    podFailurePolicy: z.unknown(),
    template: z.object({
      spec: z.object({
        restartPolicy: z.literal('Never'),
        containers: z.array(
          z.looseObject({
            args: z.array(z.string()),
            env: z.array(z.object({ name: z.string() })),
          }),
        ),
      }),
    }),
  }),
})

const readManifest = async () => {
  const text = await readFile(join(FOLDER, 'rekey-job.yaml'), 'utf8')
  // Kubernetes reads YAML 1.1, where 0440 is octal.
  const documents = [...parseAllDocuments(text, { version: '1.1' })].map(each => each.toJS())
  const { data } = configMap.parse(documents[0])
  const { spec } = job.parse(documents[1])
  const [container] = spec.template.spec.containers
  return { data, spec, args: container?.args ?? [], env: container?.env ?? [] }
}

t.test('its configuration is without fault, and encrypts the bucket of the command', async t => {
  const { data, args } = await readManifest()
  const folder = t.testdir({ ...data, keys: { 'main.yaml': KEYRING } })
  await chmod(join(folder, 'keys/main.yaml'), 0o440)
  const env = { PROVIDER_ACCESS_KEY_ID: 'A', PROVIDER_SECRET_ACCESS_KEY: 'B', REKEY_SECRET: 'C' }
  const { config } = await readConfig(join(folder, 'ssec-proxy.yaml'), env)
  const [client] = config.clients
  const bucket = args[1]?.replace('s3://', '')
  const question = { client: client?.name ?? '', operation: operationNamed('PutObject'), bucket }
  t.equal(createPolicy(config.rules).resolve({ ...question, objectKey: 'a' }).kind, 'encrypt')
})

t.test('the shards of all its indexes do all of it', async t => {
  const { spec, args, env } = await readManifest()
  t.equal(spec.parallelism, spec.completions)
  t.strictSame(
    env.map(({ name }) => name),
    ['JOB_COMPLETION_INDEX'],
    'args name what is set',
  )
  const stage = await startBulkStage(t)
  for (let i = 0; i < 250; i++) await stage.store(`o/${i}`, `${i}`)
  const wordsOf = (index: number): readonly string[] =>
    args
      .filter(arg => !arg.startsWith('--config='))
      .map(arg => arg.replace('$(JOB_COMPLETION_INDEX)', `${index}`))
      .map(arg => arg.replace('s3://my-bucket', 's3://data'))
  t.match(args.join(' '), `/${spec.completions}`)
  const indexes = Array.from({ length: spec.completions }, (_, index) => index)
  for (const index of indexes) {
    const { code, err } = await stage.run(...wordsOf(index))
    t.equal(code, 0, err)
  }
  t.equal((await stage.run('audit', 's3://data', '--newest')).code, 0)
})

t.test('every manifest of the examples is tested', async t => {
  t.strictSame(await readdir(FOLDER), ['rekey-job.yaml'])
})
