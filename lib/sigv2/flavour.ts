/** One of the two schemes that sign with HMAC-SHA1 over the same form: OBS's own, and AWS's version 2. */
export interface Flavour {
  /** The first word of the Authorization header. */
  readonly scheme: 'OBS' | 'AWS'
  /** What the headers begin with that are signed, lower case. */
  readonly prefix: 'x-obs-' | 'x-amz-'
  /** The name of the access key id in a signed URL. */
  readonly accessKeyParameter: 'AccessKeyId' | 'AWSAccessKeyId'
  /**
   * The query parameters that are signed, lower case; several lists, for signers differ by their age. The first is
   * signed with, each may have been.
   */
  readonly subResources: readonly [ReadonlySet<string>, ...ReadonlySet<string>[]]
}

// What both schemes have signed from the start.
const COMMON = [
  'acl',
  'cors',
  'delete',
  'lifecycle',
  'location',
  'logging',
  'notification',
  'partnumber',
  'policy',
  'requestpayment',
  'response-cache-control',
  'response-content-disposition',
  'response-content-encoding',
  'response-content-language',
  'response-content-type',
  'response-expires',
  'restore',
  'tagging',
  'torrent',
  'uploadid',
  'uploads',
  'versionid',
  'versioning',
  'versions',
  'website',
]

// The allow-list of esdk-obs-nodejs 3.26.8, lib/utils.js.
const OBS_NODE = [
  ...COMMON,
  'append',
  'attname',
  'backtosource',
  'bucketstatus',
  'customdomain',
  'deletebucket',
  'directcoldaccess',
  'encryption',
  'inventory',
  'length',
  'metadata',
  'mirrorbacktosource',
  'modify',
  'name',
  'object-lock',
  'obsalias',
  'obsbucketalias',
  'obscompresspolicy',
  'obsworkflowtriggerpolicy',
  'policystatus',
  'position',
  'publicaccessblock',
  'quota',
  'rename',
  'replication',
  'retention',
  'storageclass',
  'storageinfo',
  'storagepolicy',
  'truncate',
  'x-image-process',
  'x-image-save-bucket',
  'x-image-save-object',
  'x-obs-security-token',
  'x-oss-process',
  'x-workflow-execution-state',
  'x-workflow-execution-type',
  'x-workflow-graph-name',
  'x-workflow-limit',
  'x-workflow-next-marker',
  'x-workflow-prefix',
  'x-workflow-start',
  'x-workflow-template-name',
]

// Those that huaweicloud-sdk-go-obs 3.25.9 (auth.go) or huaweicloud-sdk-python-obs 3.25.8 (auth.py) has besides.
const OBS_ALL = [
  ...OBS_NODE,
  'cdnnotifyconfiguration',
  'fileinterface',
  'ignore-sign-in-query',
  'x-obs-accesslabel',
]

// What botocore's HmacV1Auth signs (auth.py, QSAOfInterest).
const BOTO = [
  ...COMMON,
  'accelerate',
  'analytics',
  'defaultobjectacl',
  'inventory',
  'metrics',
  'object-lock',
  'replication',
  'select',
  'select-type',
  'storageclass',
]

/** OBS's own: https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0010.html */
export const OBS_FLAVOUR: Flavour = {
  scheme: 'OBS',
  prefix: 'x-obs-',
  accessKeyParameter: 'AccessKeyId',
  subResources: [new Set(OBS_ALL), new Set(OBS_NODE), new Set(COMMON)],
}

/** AWS's version 2: https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html */
export const SIGV2_FLAVOUR: Flavour = {
  scheme: 'AWS',
  prefix: 'x-amz-',
  accessKeyParameter: 'AWSAccessKeyId',
  subResources: [new Set(BOTO), new Set(COMMON), new Set(OBS_NODE)],
}

/**
 * Whether a query parameter is signed.
 *
 * @param subResources one of the flavour's lists
 * @param inUrl whether the signature stands in the query, too; it then covers what stands there in place of a header
 */
export const isSignedParameter =
  ({ prefix }: Flavour, subResources: ReadonlySet<string>, inUrl: boolean) =>
  (name: string): boolean => {
    const lower = name.toLowerCase()
    return subResources.has(lower) || (inUrl && lower.startsWith(prefix))
  }
