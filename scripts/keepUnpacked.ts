// Lays what npm never packs, by its name, into dist/project under other names, so that `forge new` finds it in a package too.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { withoutCredentials } from '../server/cli/new/npmrc.ts'

const root = path.resolve(import.meta.dirname, '..')
const folder = path.join(root, 'dist/project')

mkdirSync(folder, { recursive: true })
cpSync(path.join(root, 'package-lock.json'), path.join(folder, 'package-lock.json'))
cpSync(path.join(root, '.gitignore'), path.join(folder, 'gitignore'))
writeFileSync(path.join(folder, 'npmrc'), withoutCredentials(readFileSync(path.join(root, '.npmrc'), 'utf8')))
