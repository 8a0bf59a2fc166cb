import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { z } from 'zod'

/**
 * A folder of small JSON files, one per record.
 *
 * Writing is synchronous, so that a change on disk and its change in memory are one step: no other request comes between
 * a condition and what it allowed. A file is written aside and renamed, so that none is ever half there.
 */
export class RecordFolder<Schema extends z.ZodType> {
  readonly #path: string
  readonly #schema: Schema
  constructor(path: string, schema: Schema) {
    this.#path = path
    this.#schema = schema
    mkdirSync(path, { recursive: true, mode: 0o700 })
  }

  /** All records, in no order. Files that a crash left aside are removed. */
  readAll(): readonly z.infer<Schema>[] {
    const names = readdirSync(this.#path)
    for (const name of names.filter(isAside)) rmSync(join(this.#path, name))
    return names.filter(name => !isAside(name)).map(name => this.#read(join(this.#path, name)))
  }

  #read(file: string): z.infer<Schema> {
    try {
      return this.#schema.parse(JSON.parse(readFileSync(file, 'utf8')))
    } catch (cause) {
      throw new Error(`embedded upstream: cannot read ${file}`, { cause })
    }
  }

  /** @param name a file name that is safe on any file system */
  write(name: string, record: z.infer<Schema>): void {
    const file = this.#fileOf(name)
    writeFileSync(`${file}.new`, JSON.stringify(record), { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }

  remove(name: string): void {
    rmSync(this.#fileOf(name), { force: true })
  }

  #fileOf(name: string): string {
    return join(this.#path, `${name}.json`)
  }
}

const isAside = (name: string): boolean => name.endsWith('.new')
