import type { Client } from '../authenticate/client.ts'
import type { Config } from '../config/config.ts'
import { UsageError } from './io.ts'

/**
 * The client entry of that name; without a name, the only one there is.
 *
 * @throws {UsageError}
 */
export const clientNamed = ({ clients }: Config, name: string | undefined): Client => {
  const found = name === undefined ? clients : clients.filter(each => each.name === name)
  const [client, another] = found
  if (client !== undefined && another === undefined) return client
  const names = clients.map(each => each.name).join(', ')
  throw new UsageError(
    name === undefined
      ? `There are several clients. Name one with --client: ${names}.`
      : `The configuration has no client of that name. It has: ${names}.`,
  )
}
