import { join } from 'node:path'

/** The repository's folder: the bench is compiled into .bench/ below it. */
export const REPOSITORY = join(import.meta.dirname, '../..')
