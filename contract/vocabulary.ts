import type { ContractModule, ErrorRule } from './define.ts'
import { errors as builtInErrors } from './errors.ts'
import { flags as builtInFlags } from './flags.ts'
import { modules } from './modules.ts'
import { permissions as builtInPermissions } from './permissions.ts'
import { endingAccess as builtInEndings, topics as builtInTopics, type EndingAccess } from './topics.ts'

type Modules = typeof modules
type Own<Table extends keyof ContractModule> = {
  [Name in keyof Modules]: Table extends keyof Modules[Name] ? Modules[Name][Table] : never
}[keyof Modules]
type KeyOf<Union> = Union extends unknown ? keyof Union & string : never
type Together<Union> = (Union extends unknown ? (one: Union) => void : never) extends (all: infer All) => void
  ? All
  : never

/** Every code, built in or a module's. */
export type ErrorCode = keyof typeof builtInErrors | KeyOf<Own<'errors'>>
export type Permission = keyof typeof builtInPermissions | KeyOf<Own<'permissions'>>
export type Topics = typeof builtInTopics & Together<Own<'topics'>>
export type Topic = keyof Topics & string
export type Flags = typeof builtInFlags & Together<Own<'flags'>>

/** A table with what the modules add to it. A built-in word keeps its meaning; that two say the same is found out at the start. */
const joined = <T>(table: keyof ContractModule, builtIn: object): T =>
  Object.assign({}, ...Object.values<ContractModule>(modules).map((module) => module[table]), builtIn)

/** Every error code with its status and sentence. */
export const errors: Readonly<Record<ErrorCode, ErrorRule>> = joined('errors', builtInErrors)

/** Every permission with its meaning. */
export const permissions: Readonly<Record<Permission, string>> = joined('permissions', builtInPermissions)

/** Every topic with what its events tell. */
export const topics: Topics = joined('topics', builtInTopics)

/** Every flag with what it can say, and what it says while nothing else decides. */
export const flags: Flags = joined('flags', builtInFlags)

/** Every topic by name. */
export const topicNames = Object.keys(topics) as [Topic, ...Topic[]]

/** Topics after which somebody may see less than before. */
export const endingAccess: Readonly<Record<string, EndingAccess | undefined>> = joined('endingAccess', builtInEndings)
