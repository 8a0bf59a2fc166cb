import { duplicity } from './tools/duplicity.ts'
import { restic } from './tools/restic.ts'
import { testTools } from './tools/tools.ts'

await testTools([restic, duplicity])
