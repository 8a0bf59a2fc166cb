import type { Client } from '../authenticate/client.ts'
import type { Config } from '../config/config.ts'
import type { Listener } from '../listener/listener.ts'

type SigningClient = Client & { readonly proof: Extract<Client['proof'], { kind: 'signature' }> }

const isSigning = (client: Client): client is SigningClient => client.proof.kind === 'signature'

/**
 * What `serve` prints when its upstream is the embedded one: lines to paste into a shell, for a first try. They show the
 * client's secret, as they must; with any other upstream nothing is printed.
 */
export const quickstartLines = (config: Config, listeners: readonly Listener[]): string => {
  const client = config.clients.filter(isSigning).find(each => config.embedded.has(each.upstream))
  const upstream = client && config.upstreams.get(client.upstream)
  const embedded = client && config.embedded.get(client.upstream)
  const listener = listeners.find(({ where }) => where.startsWith('http'))
  if (!client || !upstream || !embedded || !listener) return ''
  const { accessKeyId, secretAccessKey } = client.proof
  return `
The proxy listens on ${listener.where}; behind it an embedded S3 upstream, for trial and tests.
Paste into another shell:

  export AWS_ENDPOINT_URL=${listener.where} AWS_ACCESS_KEY_ID=${accessKeyId} AWS_SECRET_ACCESS_KEY=${secretAccessKey.expose()} AWS_DEFAULT_REGION=${upstream.region}
  echo 'attack at dawn' > hello.txt
  aws --endpoint-url "$AWS_ENDPOINT_URL" s3 mb s3://demo
  aws --endpoint-url "$AWS_ENDPOINT_URL" s3 cp hello.txt s3://demo/hello.txt
  aws --endpoint-url "$AWS_ENDPOINT_URL" s3 cp s3://demo/hello.txt -

The stored bytes are not the plaintext, and the upstream itself does not give them without the key:

  grep -r 'attack at dawn' ${embedded.path} || echo 'not there: stored encrypted'
  curl -i ${upstream.endpoint}/demo/hello.txt

`
}
