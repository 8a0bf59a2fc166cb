import { s3fs, s3fsWithMd5 } from './tools/s3fs.ts'
import { testTools } from './tools/tools.ts'

await testTools([s3fs, s3fsWithMd5])
