import { testMatrix } from './matrix/matrix.ts'

await testMatrix('rgw-http')
