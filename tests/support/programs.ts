import { join } from 'node:path'
import { inject } from 'vitest'
import type { programs } from './globalSetup.ts'

export type ProgramName = keyof typeof programs

/** Where a program stands that was bundled before the tests began. */
export const programAt = (name: ProgramName): string => join(inject('programs'), `${name}.js`)
