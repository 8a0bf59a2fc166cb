/**
 * What the log says of a request, and nothing else: the allow-list. Each field's meaning is written here and nowhere
 * else; `docs/log.md` is made of it.
 */
export const JOURNAL_FIELDS = {
  requestId: 'our id of the request; also in the errors that the proxy itself answers',
  client: 'name of the client entry that authenticated; absent when authentication failed',
  operation: 'S3 operation, such as PutObject, or B2 call, such as b2_upload_file',
  bucket: 'bucket name',
  status: 'HTTP status given to the client',
  error: 'S3 error code, when the proxy itself refused or failed',
  reason: 'the sentence that came with it',
  upstream: 'name of the upstream',
  upstreamStatus: "HTTP status of the provider's last answer",
  upstreamRequestId: "the provider's own request id, for its support",
  upstreamMs:
    'milliseconds from sending upstream to the head of the last answer, all attempts together',
  rule: 'name of the policy rule that decided',
  keyVersion:
    'keyring and version of the customer key, such as main/v2; none for an object in plaintext; absent where no object is read or written',
  attempts: 'requests sent upstream until one fitted; all of them, when a copy was streamed',
  copy: 'streamed, when the proxy itself read and wrote a copy; absent when the provider copied',
  bytesIn: 'bytes received from the client, head and body, as they came on the wire',
  bytesOut: 'bytes sent to the client, head and body',
  ms: 'milliseconds from the request head to the end of the answer',
  aborted: 'true when either side went away before the end',
} as const satisfies Record<string, string>

export type JournalField = keyof typeof JOURNAL_FIELDS
export type JournalEntry = {
  readonly [field in JournalField]?: string | number | boolean | undefined
}

/** Collects what the log will say of one request. */
export interface Journal {
  note(entry: JournalEntry): void
}
