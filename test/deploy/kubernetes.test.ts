import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'
import type { Config } from '../../lib/config/config.ts'
import { readConfig } from '../../lib/config/load.ts'
import { KEYRING } from '../config/fixture.ts'
import { createCertificate } from '../support/certificate.ts'

const FOLDER = join(import.meta.dirname, '../../deploy/kubernetes')

const container = z.looseObject({
  name: z.string(),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })).default([]),
  startupProbe: z.unknown().optional(),
})

const workload = z.looseObject({
  spec: z.object({
    template: z.object({
      spec: z.object({
        initContainers: z.array(container).default([]),
        containers: z.array(container),
        terminationGracePeriodSeconds: z.number(),
      }),
    }),
  }),
})

const configMap = z.looseObject({ data: z.record(z.string(), z.string()) })

const documentsOf = async (name: string): Promise<readonly { readonly kind: string }[]> => {
  // Kubernetes reads YAML 1.1, where 0440 is octal.
  const documents = parseAllDocuments(await readFile(join(FOLDER, name), 'utf8'), {
    version: '1.1',
  })
  return [...documents].map(document => document.toJS())
}

const ENV = {
  PROVIDER_ACCESS_KEY_ID: 'A',
  PROVIDER_SECRET_ACCESS_KEY: 'B',
  LOKI_SECRET: 'C',
  VELERO_SECRET: 'D',
}

/** The configuration of a ConfigMap, mounted as the manifest mounts it. */
const mount = async (t: Test, data: Readonly<Record<string, string>>): Promise<Config> => {
  const folder = t.testdir(data)
  const { cert, key } = createCertificate('ssec-proxy.storage')
  await mkdir(join(folder, 'keys'))
  await mkdir(join(folder, 'tls'))
  await writeFile(join(folder, 'keys/main.yaml'), KEYRING)
  await chmod(join(folder, 'keys/main.yaml'), 0o440)
  await writeFile(join(folder, 'tls/tls.crt'), cert)
  await writeFile(join(folder, 'tls/tls.key'), key, { mode: 0o400 })
  return (await readConfig(join(folder, 'ssec-proxy.yaml'), ENV)).config
}

for (const name of ['gateway.yaml', 'sidecar.yaml']) {
  t.test(
    `${name} runs a configuration without fault, and asks its health where it is told`,
    async t => {
      const documents = await documentsOf(name)
      const { data } = configMap.parse(documents.find(({ kind }) => kind === 'ConfigMap'))
      const config = await mount(t, data)
      const { spec } = workload.parse(
        documents.find(({ kind }) => ['Deployment', 'StatefulSet'].includes(kind)),
      ).spec.template
      const proxy = [...spec.containers, ...spec.initContainers].find(
        each => each.name === 'ssec-proxy',
      )
      const ports = new Map(proxy?.ports.map(each => [each.name, each.containerPort]))
      t.equal(ports.get('admin'), config.admin?.port)
      t.match(proxy?.startupProbe, { httpGet: { path: '/readyz', port: 'admin' } })
      t.ok(spec.terminationGracePeriodSeconds * 1000 > config.limits.drainTimeout)
      const [listen] = config.listen
      if (ports.has('s3') && listen?.kind === 'tcp') t.equal(ports.get('s3'), listen.port)
      for (const { effect } of config.rules) t.equal(effect.kind, 'encrypt')
    },
  )
}

t.test('every manifest is tested', async t => {
  t.strictSame((await readdir(FOLDER)).sort(), ['gateway.yaml', 'sidecar.yaml'])
})
