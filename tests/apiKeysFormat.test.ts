import { readFileSync } from 'node:fs'
import zlib from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc32 } from '../server/features/apiKeys/crc32.ts'
import { hashKey, leakedKey, newKey, prefixOf } from '../server/features/apiKeys/key.ts'
import { meantScopes, namedPermissions } from '../server/features/apiKeys/scopes.ts'

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

describe('the form of an API key', () => {
  it.each(['live', 'test'] as const)('is tf_%s_<id>_<secret><checksum>, always as long', (environment) => {
    const shape = new RegExp(`^tf_${environment}_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}[0-9A-Za-z]{6}$`)
    for (let count = 0; count < 500; count++) {
      const { plaintext, prefix, keyHash } = newKey(environment)
      expect(plaintext).toMatch(shape)
      expect(plaintext.startsWith(`${prefix}_`)).toBe(true)
      expect(prefixOf(plaintext)).toBe(prefix)
      expect(keyHash).toEqual(hashKey(plaintext))
    }
  })

  it('uses every digit at every place of the secret but the first, which 256 bits do not fill', () => {
    const seen = Array.from({ length: 43 }, () => new Set<string>())
    for (let count = 0; count < 2_000; count++) {
      const secret = newKey('test').plaintext.slice(21, 64)
      for (const [at, digit] of [...secret].entries()) seen[at]?.add(digit)
    }
    for (const digits of seen.slice(1)) expect([...digits].sort().join('')).toBe(base62)
  })

  it('ends in the CRC-32 that zip uses, over everything before it', () => {
    expect(crc32('123456789')).toBe(0xcbf43926)
    if (!zlib.crc32) return
    fc.assert(fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) => crc32(text) === zlib.crc32(text)))
  })

  it('is told from a text with one digit changed, wherever it stands', () => {
    const { plaintext } = newKey('test')
    fc.assert(
      fc.property(fc.nat(plaintext.length - 1), fc.constantFrom(...base62, '_', '-', ' '), (at, digit) => {
        const changed = plaintext.slice(0, at) + digit + plaintext.slice(at + 1)
        return changed === plaintext || prefixOf(changed) === undefined
      }),
      { numRuns: 2_000 },
    )
  })

  it.each([
    ['nothing', ''],
    ['its mark', 'tf_'],
    ['its prefix', newKey('test').prefix],
    ['a cut one', newKey('test').plaintext.slice(0, -1)],
    ['a longer one', `${newKey('test').plaintext}0`],
    ['a line break behind it', `${newKey('test').plaintext}\n`],
    ['another environment', newKey('test').plaintext.replace('tf_test_', 'tf_prod_')],
    ['letters beyond ASCII', newKey('test').plaintext.replace(/.{5}$/, 'ééééé')],
    ['16 KiB of digits', `tf_test_${'0'.repeat(16_384)}`],
  ])('is not %s', (_name, text) => {
    expect(prefixOf(text)).toBeUndefined()
  })
})

describe('the expression that finds leaked keys', () => {
  const { plaintext, prefix } = newKey('live')
  const found = (text: string) => text.match(leakedKey) ?? []

  it.each([
    ['an assignment', `TSFORGE_KEY=${plaintext}`],
    ['JSON', JSON.stringify({ key: plaintext })],
    ['an address', `https://example.org/x?key=${plaintext}&y=1`],
    ['a header', `authorization: Bearer ${plaintext}\r\n`],
    ['a sentence', `It is ${plaintext}.`],
    ['a diff', `-${plaintext}\n`],
  ])('finds one in %s', (_name, text) => {
    expect(found(text)).toEqual([plaintext])
  })

  it('finds each of several, and test keys', () => {
    const other = newKey('test').plaintext
    expect(found(`${plaintext} ${other}\n${plaintext}`)).toEqual([plaintext, other, plaintext])
  })

  it.each([
    ['a prefix, which is no secret', prefix],
    ['part of a longer word', `x${plaintext}`],
    ['a longer word', `${plaintext}x`],
    ['other tokens', `tr_${'a'.repeat(43)} gf_live_abcdefabcdef_${'0'.repeat(64)}`],
  ])('leaves %s', (_name, text) => {
    expect(found(text)).toEqual([])
  })

  it('stands in the documentation as it stands in the code', () => {
    expect(readFileSync('docs/api-keys.md', 'utf8')).toContain(`\n${leakedKey.source}\n`)
  })
})

describe('scopes', () => {
  it('are each meant once, in order, without blanks', () => {
    expect(meantScopes(['', 'b', 'a', 'b', '*', '', '*'])).toEqual(['b', 'a', '*'])
    expect(namedPermissions(['b', '*', 'a'])).toEqual(['b', 'a'])
  })
})
