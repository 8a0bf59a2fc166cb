import { testMatrix } from './matrix/matrix.ts'

await testMatrix('minio')
