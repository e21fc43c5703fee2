import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { type Person, password } from './people.ts'

/** Clients that sign in: each has a budget of 30 tries a minute. */
const addressCount = 5_000

/** The files that requests.lua reads its requests from. */
export interface Feeds {
  readonly signedIn: string
  readonly logins: { readonly cheap: string; readonly accepted: string }
}

export const writeFeeds = (folder: string, people: readonly Person[]): Feeds => {
  const put = (name: string, lines: readonly (readonly [string, string, string])[]): string => {
    const file = path.join(folder, name)
    writeFileSync(file, lines.map((fields) => `${fields.join('\t')}\n`).join(''))
    return file
  }
  const half = people.length / 2
  const logins = (of: readonly Person[]) =>
    Array.from({ length: addressCount }, (_, index) => {
      const address = `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`
      const email = of[index % of.length]?.email
      return ['X-Forwarded-For', address, JSON.stringify({ email, password })] as const
    })
  return {
    signedIn: put(
      'signedIn',
      people.map(({ token }) => ['Authorization', `Bearer ${token}`, '']),
    ),
    logins: {
      cheap: put('cheapLogins', logins(people.slice(0, half))),
      accepted: put('acceptedLogins', logins(people.slice(half))),
    },
  }
}
