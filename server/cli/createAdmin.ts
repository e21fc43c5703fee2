import { uuidv7 } from 'uuidv7'
import type { Db } from '../../db/client.ts'
import type { Database } from '../../db/database.ts'
import { findAdminRole, grantAdminRole } from '../features/access/administrators.ts'
import { findUserByEmail, insertUser } from '../features/auth/queries.ts'
import type { PasswordHasher } from '../platform/hashing/index.ts'
import { noSchema } from './commandDatabase.ts'
import { ForgeError } from './forgeError.ts'

interface Asked {
  readonly email: string
  readonly name: string
  /** Without one no account is made. */
  readonly password: string | undefined
  /** Whether an account that is there already may be made an administrator. It keeps its password and its name. */
  readonly promote: boolean
}

export interface MadeAdmin {
  readonly id: string
  readonly email: string
  readonly name: string
  readonly created: boolean
  /** False: the person was an administrator before. */
  readonly granted: boolean
}

interface Tools {
  readonly database: Database
  readonly passwords: Pick<PasswordHasher, 'hash'>
}

/**
 * Makes a global administrator, in one transaction: of two that run at once the second finds what the first has made.
 * Throws ForgeError when there is nothing to be made of what was asked.
 */
export const createAdmin = async ({ database, passwords }: Tools, asked: Asked): Promise<MadeAdmin> => {
  const passwordHash = asked.password === undefined ? undefined : await passwords.hash(asked.password)
  return database.transaction(
    async (tx) => {
      const [role] = await findAdminRole(tx)
      if (!role) throw new ForgeError(noSchema)
      const made = passwordHash === undefined ? undefined : await insert(tx, { ...asked, passwordHash })
      const { id, email, name } = made ?? (await findExisting(tx, asked))
      const granted = await grantAdminRole(tx, { userId: id, roleId: role.id })
      return { id, email, name, created: made !== undefined, granted: granted.length > 0 }
    },
    { tenant: 'global' },
  )
}

const insert = async (tx: Db, { email, name, passwordHash }: Asked & { readonly passwordHash: string }) => {
  const [made] = await insertUser(tx, { id: uuidv7(), email, name, passwordHash })
  return made
}

/** The account that there is already, if it may be promoted. */
const findExisting = async (tx: Db, { email, promote }: Asked) => {
  const [user] = await findUserByEmail(tx, { email })
  if (!user) throw new ForgeError(`There is no account ${email}: add --password-stdin to make one.`)
  if (!promote && user.role === 'admin') throw new ForgeError(`${email} is an administrator already: sign in.`)
  if (!promote) throw new ForgeError(`There is an account ${email} already: add --promote to make it an administrator.`)
  if (user.disabled_at) throw new ForgeError(`The account ${email} is disabled: enable it, or choose another.`)
  return user
}
