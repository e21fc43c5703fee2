import { resign } from './forgedSignatures.ts'
import {
  claimsText,
  encoded,
  forge,
  forgeAll,
  headerText,
  hmac,
  kinds,
  nowSeconds as now,
  withEach,
} from './forgedTokens.ts'

const known = kinds.HS256.kid
const deep = `${'['.repeat(5_000)}${']'.repeat(5_000)}`
const notUtf8 = Buffer.concat([
  Buffer.from(`{${headerText('HS256')},"x":"`),
  Buffer.from([0xc3, 0x28]),
  Buffer.from('"}'),
])
/** Headers of tokens that are signed in order. */
export const headers = [
  ...withEach('header', 'crit', [
    [],
    ['exp'],
    ['b64'],
    ['unknown'],
    ['alg'],
    ['kid', 'kid'],
    'b64',
    null,
    1,
    {},
    [1],
    [''],
  ]),
  ...forgeAll([
    { is: 'b64 false', header: { b64: false, crit: ['b64'] } },
    { is: 'b64 as text', header: { b64: 'false', crit: ['b64'] } },
    ...['', '{', 'null', '[]', '"HS256"', '1', deep, `{${headerText('HS256')},}`, `{${headerText('HS256')}}{}`].map(
      (header) => ({
        is: `header ${header.slice(0, 20)}`,
        header,
      }),
    ),
    { is: 'inherited header', header: `{"__proto__":{${headerText('HS256')}}}` },
    { is: 'header that is no UTF-8', header: notUtf8 },
    { is: 'header in UTF-16', header: Buffer.from(`{${headerText('HS256')}}`, 'utf16le') },
  ]),
  ...withEach('header', 'kid', [
    undefined,
    null,
    1,
    true,
    [known],
    { 0: known },
    '',
    `${known} `,
    `${known}\0`,
    known.toUpperCase(),
  ]),
  ...withEach('header', 'kid', [
    '../../../dev/null',
    '/etc/passwd',
    '__proto__',
    'constructor',
    'toString',
    "' or 1=1 --",
    'x'.repeat(9_000),
  ]),
  ...withEach('header', 'typ', [
    undefined,
    null,
    1,
    ['at+jwt'],
    '',
    'JWT',
    'jwt',
    'application/jwt',
    'at+jwt ',
    'at+jwt;v=1',
    'rt+jwt',
    'text/at+jwt',
  ]),
]

/** Claims of tokens that are signed in order. */
export const claims = [
  ...withEach('claims', 'exp', [
    undefined,
    null,
    true,
    '',
    String(now + 60),
    'tomorrow',
    [now + 60],
    {},
    0,
    -1,
    now - 1,
    now,
    now - 0.5,
  ]),
  ...withEach('claims', 'nbf', [now + 1, now + 0.5, 1e300, '0', null, true, [0], 'now']),
  ...withEach('claims', 'iat', ['0', null, true, [0], {}]),
  ...withEach('claims', 'aud', [
    undefined,
    null,
    1,
    '',
    'tsforge ',
    'TSFORGE',
    'tsforg',
    [],
    ['other'],
    [['tsforge']],
    { 0: 'tsforge' },
    { tsforge: true },
  ]),
  ...withEach('claims', 'iss', [undefined, null, 1, '', 'tsforge/', 'TSFORGE', ['tsforge'], { toString: 'tsforge' }]),
  ...withEach('claims', 'sub', [undefined, null, 1, true, [], ['a'], {}]),
  ...withEach('claims', 'sid', [
    undefined,
    null,
    1,
    [],
    '',
    'nonsense',
    '{018f6b0e-0000-7000-8000-000000000000}',
    '018F6B0E-0000-7000-8000-000000000000',
    '018f6b0e-0000-7000-8000-000000000000\n',
  ]),
  ...forgeAll([
    ...['', 'foo', 'null', '[]', '1', '"text"', '{', deep, '{"exp":NaN}'].map((text) => ({
      is: `claims ${text.slice(0, 20)}`,
      claims: text,
    })),
    { is: 'an end beyond all numbers', claims: claimsText('"exp":1e400') },
    { is: 'two ends, the last one past', claims: claimsText(`"exp":${now - 1}`) },
    { is: 'inherited claims', claims: `{"__proto__":${claimsText('"x":1')}}` },
    { is: 'claims that are no UTF-8', claims: Buffer.from([0x7b, 0xff, 0x7d]) },
  ]),
]

/** What is no token at all, or a huge one. */
export const noise = Object.entries({
  nothing: '',
  dots: '....',
  'five parts, as an encrypted token has': Array.from({ length: 5 }, () =>
    encoded({ alg: 'dir', enc: 'A256GCM' }),
  ).join('.'),
  'letters beyond ASCII': 'é.ü.ß',
  'broken characters': '\ud800.\udc00.\ud800',
  'a header of a megabyte': forge({ header: { x: 'x'.repeat(1_000_000) }, signer: hmac('') }),
  'claims of a megabyte': forge({ claims: { x: 'x'.repeat(1_000_000) }, signer: hmac('') }),
  'a signature of a megabyte': resign(forge(), () => Buffer.alloc(1_000_000)),
  'a megabyte of dots': '.'.repeat(1_000_000),
})
