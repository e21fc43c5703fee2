import { z } from 'zod'
import { Id, Instant } from './scalars.ts'

/** A person with an account. `role` is `admin` for holders of the global administrator role. */
export const User = z
  .object({
    id: Id,
    email: z.string(),
    name: z.string(),
    role: z.enum(['user', 'admin']),
    created_at: Instant,
    updated_at: Instant,
  })
  .meta({ id: 'User' })
