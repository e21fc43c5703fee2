import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Command } from 'commander'
import { expect, it } from 'vitest'
import { createProgram } from '../server/cli/forge.ts'
import { forge } from './support/forge.ts'

const page = readFileSync(path.join(import.meta.dirname, '../docs/forge.md'), 'utf8')
const rows = new Map(
  [...page.matchAll(/^\| `([a-z ]+)` \| .+ \| `(.+)` \|$/gm)].map(([, name = '', example = '']) => [name, example]),
)

const unneeded = () => {
  throw new Error('no configuration is needed')
}
const program = createProgram({
  input: process.stdin,
  print: () => {},
  complain: () => {},
  loadConfig: unneeded,
  loadSettings: unneeded,
})

/** Those that do something; the others only hold them together. */
const leaves = (command: Command, names: readonly string[] = []): { name: string; command: Command }[] =>
  command.commands.length === 0
    ? [{ name: names.join(' '), command }]
    : command.commands.flatMap((child) => leaves(child, [...names, child.name()]))
const commands = leaves(program)

it.each(commands)(
  '$name has a description, an example in its help, --json, and a row in docs/forge.md',
  async ({ name, command }) => {
    expect(command.description()).not.toBe('')
    const { code, out } = await forge([...name.split(' '), '--help'], {})
    expect(code).toBe(0)
    expect(out).toMatch(new RegExp(`\\nExamples?:\\n(?:.*\\n)*.*npm run forge -- .*${name}`))
    expect(command.options.map(({ long }) => long)).toContain('--json')
    expect(rows.get(name)).toContain(`npm run forge -- ${name}`)
  },
)

it('names no command that is not there', () => {
  expect([...rows.keys()].filter((name) => !commands.some((command) => command.name === name))).toEqual([])
})
