import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, describe, expect, it } from 'vitest'
import { contract } from '../contract/index.ts'
import { runForge } from '../server/cli/forge.ts'
import { documentInfo } from '../server/rpc/document/info.ts'
import { createDocument } from '../server/rpc/document.ts'
import { version } from '../server/version.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'tsforge-openapi-'))
afterAll(() => rmSync(folder, { recursive: true }))

const text = `${JSON.stringify(createDocument(contract, documentInfo(version)), null, 2)}\n`

const put = (name: string, content: string) => {
  const file = path.join(folder, name)
  writeFileSync(file, content)
  return file
}

const unneeded = () => {
  throw new Error('no configuration is needed')
}

const forge = async (...args: string[]) => {
  const [printed, complained]: [string[], string[]] = [[], []]
  const code = await runForge(['openapi', ...args], {
    input: Readable.from([]),
    print: (some) => void printed.push(some),
    complain: (some) => void complained.push(some),
    loadConfig: unneeded,
    loadSettings: unneeded,
  })
  return { code, out: printed.join(''), err: complained.join('') }
}

describe('openapi write and check', () => {
  it('finds a file stale, says the command, and the command mends it', { timeout: 120_000 }, async () => {
    const file = put('stale.json', text.replace('"title": "', '"title": "not '))
    expect(await forge('check', '--file', file)).toEqual({
      code: 1,
      out: '',
      err: `${file} is stale: run npm run forge -- openapi write --file ${file}\n`,
    })
    const told = await forge('check', '--file', file, '--json')
    expect([told.code, JSON.parse(told.out)]).toEqual([1, { file, fits: false, complaint: told.err.trimEnd() }])
    expect(await forge('write', '--file', file)).toEqual({ code: 0, out: `wrote ${file}\n`, err: '' })
    expect(JSON.parse((await forge('write', '--file', file, '--json')).out)).toEqual({ file, written: false })
    expect(readFileSync(file, 'utf8')).toBe(text)
    expect(await forge('check', '--file', file)).toEqual({
      code: 0,
      out: `${file} is the document of the contract, and valid.\n`,
      err: '',
    })
    expect(JSON.parse((await forge('check', '--file', file, '--json')).out)).toEqual({
      file,
      fits: true,
      complaint: null,
    })
  })
})

describe('openapi diff', () => {
  const now = put('now.json', text)

  it('ends well when nothing breaks', async () => {
    expect(await forge('diff', now, '--against', now)).toEqual({ code: 0, out: 'Nothing changed.\n', err: '' })
    const older = put('older.json', text.replace('"/livez"', '"/alive"').replaceAll('system.live', 'system.alive'))
    const { code, out } = await forge('diff', older, '--against', now)
    expect([code, out]).toEqual([
      1,
      expect.stringMatching(/^### Breaking\n\n- .*\/alive.*\n\n### Added\n\n- .*\/livez/),
    ])
  })

  it('ends with 1 when something breaks, and tells it as JSON too', async () => {
    const newer = put('newer.json', text.replaceAll('"operationId": "auth.me"', '"operationId": "auth.myself"'))
    const run = await forge('diff', now, '--against', newer, '--json')
    expect(run).toMatchObject({
      code: 1,
      err: `1 breaking change since ${now}: take them back, or release a new major version.\n`,
    })
    expect(JSON.parse(run.out)).toEqual({
      breaking: 1,
      look: 0,
      compatible: 0,
      changes: [
        {
          operation: 'auth.me',
          verdict: 'breaking',
          kind: 'changed',
          place: '',
          text: 'the operation id changed to `auth.myself`',
        },
      ],
    })
  })

  it.each([
    ['{"openapi":"3.0.0","paths":{}}', 'it is OpenAPI 3.0.0, and only 3.1 is understood'],
    ['hello', 'it is not JSON'],
  ])('is misused with %s', async (content, reason) => {
    const file = put('bad.json', content)
    expect(await forge('diff', file)).toEqual({
      code: 2,
      out: '',
      err: `Nothing was compared: ${file} cannot be used, since ${reason}.\n`,
    })
  })

  it('is misused with a file that is not there', async () => {
    const file = path.join(folder, 'nothing.json')
    expect((await forge('diff', file)).err).toBe(
      `Nothing was compared: ${file} cannot be read (ENOENT); check the path.\n`,
    )
    expect((await forge('diff')).code).toBe(2)
  })
})
