import { rcloneMultipartCheck } from './tools/rclone.ts'
import { s3fsPartCheck } from './tools/s3fs.ts'
import { testTools } from './tools/tools.ts'

await testTools([rcloneMultipartCheck, s3fsPartCheck])
