import t from 'tap'
import {
  documentReader,
  documentWriter,
  listedStorageClass,
  shownStorageClass,
} from '../../lib/dialect/documents.ts'

const XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'

const documents: readonly [of: string, s3: string, obs: string][] = [
  [
    'location',
    '<LocationConstraint>eu-west-101</LocationConstraint>',
    '<Location>eu-west-101</Location>',
  ],
  [
    'encryption',
    '<R><SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>k</KMSMasterKeyID></R>',
    '<R><SSEAlgorithm>kms</SSEAlgorithm><KMSMasterKeyID>k</KMSMasterKeyID></R>',
  ],
  [
    'encryption',
    '<R><SSEAlgorithm>AES256</SSEAlgorithm></R>',
    '<R><SSEAlgorithm>obs</SSEAlgorithm></R>',
  ],
  [
    'acl',
    `<Grant><Grantee ${XSI} xsi:type="Group"><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee></Grant><Grant><Grantee ${XSI} xsi:type="CanonicalUser"><ID>i</ID></Grantee></Grant>`,
    '<Grant><Grantee><Canned>Everyone</Canned></Grantee></Grant><Grant><Grantee><ID>i</ID></Grantee></Grant>',
  ],
  [
    'lifecycle',
    '<T><StorageClass>GLACIER</StorageClass></T>',
    '<T><StorageClass>COLD</StorageClass></T>',
  ],
  ['notification', '<Event>s3:ObjectCreated:*</Event>', '<Event>ObjectCreated:*</Event>'],
]

for (const [of, s3, obs] of documents) {
  t.test(`a bucket's ${of}, in S3's words and in OBS's: ${obs}`, async t => {
    const about = { level: 'bucket', query: [{ name: of, value: '' }] } as const
    t.equal(documentWriter('obs', about)?.(s3), obs)
    t.equal(documentReader('obs', about)?.(obs), s3)
    t.equal(documentWriter('amz', about), undefined)
    t.equal(documentReader('goog', about), undefined)
  })
}

t.test('a new bucket’s place', async t => {
  const write = documentWriter('obs', { level: 'bucket', query: [] })
  t.equal(
    write?.('<C xmlns="u"><LocationConstraint >r</LocationConstraint></C>'),
    '<C xmlns="u"><Location >r</Location></C>',
  )
  t.equal(documentWriter('obs', { level: 'object', query: [] }), undefined)
})

t.test('what S3 alone has in an encryption document is left out', async t => {
  const write = documentWriter('obs', {
    level: 'bucket',
    query: [{ name: 'encryption', value: '' }],
  })
  t.equal(
    write?.(
      '<R><BucketKeyEnabled>true</BucketKeyEnabled><BlockedEncryptionTypes><EncryptionType>NONE</EncryptionType></BlockedEncryptionTypes></R>',
    ),
    '<R></R>',
  )
})

t.test('the storage classes of a listing', async t => {
  const read = listedStorageClass('obs')
  t.equal(read?.('WARM'), 'STANDARD_IA')
  t.equal(read?.('STANDARD'), 'STANDARD')
  t.equal(listedStorageClass('amz'), undefined)
  t.equal(listedStorageClass('goog')?.('NEARLINE'), 'STANDARD_IA')
  t.equal(shownStorageClass('goog')?.('STANDARD_IA'), 'NEARLINE')
  t.equal(shownStorageClass('amz'), undefined)
})
