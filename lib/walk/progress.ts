/** Somewhere to write text. */
export interface Terminal {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

/** How far a walk is. */
export interface Standing {
  readonly objects: number
  readonly bytes: number
  /** How many there are in all, as far as they were counted. */
  readonly total: number | undefined
  /** What else to say, such as `12 failed`. */
  readonly words: string
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** Bytes for people: `3.2 GiB`. */
export const humanBytes = (bytes: number): string => {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1024 ** power
  return `${power === 0 ? value : value.toFixed(1)} ${UNITS[power]}`
}

/** Seconds for people: `1 h 05 min`. */
export const humanTime = (seconds: number): string => {
  const whole = Math.ceil(seconds)
  if (whole < 60) return `${whole} s`
  const minutes = Math.ceil(whole / 60)
  if (minutes < 60) return `${minutes} min`
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`
}

const WIDTH = 24

const bar = (share: number): string => {
  const full = Math.round(Math.min(1, share) * WIDTH)
  return `[${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}]`
}

/** One line that says how far a walk is. */
export const progressLine = (standing: Standing, done: number, seconds: number): string => {
  const { objects, bytes, total, words } = standing
  const rate = seconds > 0 ? done / seconds : 0
  const said = [
    `${objects}${total === undefined ? '' : ` of ${total}`} objects`,
    humanBytes(bytes),
    `${Math.round(rate)}/s`,
    ...(words === '' ? [] : [words]),
  ]
  if (total === undefined || total === 0) return said.join(', ')
  const left = rate > 0 ? `, ${humanTime(Math.max(0, total - objects) / rate)} left` : ''
  return `${bar(objects / total)} ${Math.floor((100 * objects) / total)}% ${said.join(', ')}${left}`
}

/** Milliseconds between two lines: on a terminal one writes over the other, elsewhere each is a line of a log. */
const EVERY = { terminal: 200, plain: 10_000 } as const

/** Shows how a walk goes on. */
export class Progress {
  readonly #terminal: Terminal
  readonly #now: () => number
  readonly #started: number
  /** How many objects an earlier run had passed: they say nothing about this one's rate. */
  #before: number | undefined
  #shown: number

  constructor(terminal: Terminal, now: () => number) {
    this.#terminal = terminal
    this.#now = now
    this.#started = now()
    this.#shown = now()
  }

  show(standing: () => Standing): void {
    const now = this.#now()
    this.#before ??= standing().objects
    const isTerminal = this.#terminal.isTTY === true
    if (now - this.#shown < (isTerminal ? EVERY.terminal : EVERY.plain)) return
    this.#shown = now
    const { objects, ...rest } = standing()
    const seconds = (now - this.#started) / 1000
    const line = progressLine({ objects, ...rest }, objects - (this.#before ?? 0), seconds)
    const width = (this.#terminal.columns ?? 80) - 1
    this.#terminal.write(isTerminal ? `\r\x1b[K${line.slice(0, width)}` : `${line}\n`)
  }

  /** Takes the line of a terminal away. */
  end(): void {
    if (this.#terminal.isTTY === true) this.#terminal.write('\r\x1b[K')
  }
}
