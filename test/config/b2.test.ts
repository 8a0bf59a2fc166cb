import t from 'tap'
import { CONFIG, type Data, folderFor, load } from './fixture.ts'
