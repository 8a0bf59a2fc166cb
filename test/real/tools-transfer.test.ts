import { awsS3 } from './tools/aws-s3.ts'
import { rclone, rcloneWithSums } from './tools/rclone.ts'
import { s3cmd } from './tools/s3cmd.ts'
import { testTools } from './tools/tools.ts'

await testTools([rclone, rcloneWithSums, s3cmd, awsS3])
