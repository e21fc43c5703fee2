import { contract } from '../contract/index.ts'
import { auth } from './features/auth/module.ts'
import { sessions } from './features/sessions/module.ts'
import { listModules } from './rpc/modules.ts'

/** What the server is made of: a line for each feature, the built-in ones first. */
export const modules = listModules(contract)(auth, sessions)
