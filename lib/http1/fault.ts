/** What the other end said that is not the HTTP/1.1 we take. */
export class MessageFault extends Error {
  override readonly name = 'MessageFault'
  /** Whether it is no more than too long. */
  readonly isOversized: boolean

  constructor(message: string, isOversized = false) {
    super(message)
    this.isOversized = isOversized
  }
}
