import { testMatrix } from './matrix/matrix.ts'

await testMatrix('embedded')
