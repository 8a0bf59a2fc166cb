import type { Test } from 'tap'
import type { Site } from '../proxy.ts'
import type { Wanted } from '../wire/signing.ts'
import { app, type Feature, newBucket, withDocument, wordOf } from './asking.ts'

const NS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'

const policyOf = (bucket: string): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: ['*'] },
        Action: ['s3:GetObject'],
        Resource: [`arn:aws:s3:::${bucket}/*`],
      },
    ],
  })

/** A setting, its document, what it is deleted by, and what must come back of it where the provider has it. */
interface Setting {
  readonly query: string
  readonly document: (bucket: string) => string
  readonly shows: string
  readonly deletes?: boolean
}

const SETTINGS: readonly Setting[] = [
  {
    query: 'lifecycle',
    document: () =>
      `<LifecycleConfiguration ${NS}><Rule><ID>old</ID><Filter><Prefix>logs/</Prefix></Filter><Status>Enabled</Status><Expiration><Days>30</Days></Expiration></Rule></LifecycleConfiguration>`,
    shows: 'logs/',
    deletes: true,
  },
  { query: 'policy', document: policyOf, shows: 's3:GetObject', deletes: true },
  {
    query: 'cors',
    document: () =>
      `<CORSConfiguration ${NS}><CORSRule><AllowedOrigin>https://app.example</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>`,
    shows: 'https://app.example',
    deletes: true,
  },
  {
    query: 'website',
    document: () =>
      `<WebsiteConfiguration ${NS}><IndexDocument><Suffix>index.html</Suffix></IndexDocument></WebsiteConfiguration>`,
    shows: 'index.html',
    deletes: true,
  },
  {
    query: 'tagging',
    document: () =>
      `<Tagging ${NS}><TagSet><Tag><Key>team</Key><Value>storage</Value></Tag></TagSet></Tagging>`,
    shows: 'storage',
    deletes: true,
  },
  {
    query: 'notification',
    document: () => `<NotificationConfiguration ${NS}></NotificationConfiguration>`,
    shows: 'NotificationConfiguration',
  },
  {
    query: 'versioning',
    document: () =>
      `<VersioningConfiguration ${NS}><Status>Enabled</Status></VersioningConfiguration>`,
    shows: 'Enabled',
  },
]

const steps = (bucket: string, { query, document, deletes }: Setting): readonly Wanted[] => {
  const place = { bucket, query: { [query]: '' } }
  const set = [
    withDocument({ ...place, method: 'PUT' }, document(bucket)),
    { ...place, method: 'GET' },
  ]
  return deletes === true ? [...set, { ...place, method: 'DELETE' }] : set
}

/**
 * Sets, reads and deletes a setting, through the proxy and at the provider itself: both must come to the same, which tells
 * what the provider lacks from what the proxy breaks.
 */
const testSetting = async (t: Test, site: Site, setting: Setting): Promise<void> => {
  const through = await newBucket(t, site, `set-${setting.query}`)
  const direct = `direct-${through}`
  await site.provider.createBucket(direct)
  for (const [index, wanted] of steps(through, setting).entries()) {
    const own = steps(direct, setting)[index] ?? wanted
    const [answer, expected] = [await app(site, wanted), await site.provider.ask(own)]
    t.equal(wordOf(answer), wordOf(expected), `${wanted.method} ${setting.query}`)
    if (wanted.method === 'GET' && expected.status === 200)
      t.match(String(answer.body), setting.shows)
  }
}

export const bucketSettings: Feature = [
  'bucket settings',
  async (t, site) => {
    for (const setting of SETTINGS) {
      await t.test(setting.query, t => testSetting(t, site, setting))
    }
  },
]
