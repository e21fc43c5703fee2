import { auth } from './auth.ts'
import { sessions } from './sessions.ts'

/** The whole API as one value: a line for each feature. */
export const contract = { auth, sessions }
