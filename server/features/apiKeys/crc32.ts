const polynomial = 0xedb88320

const table = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1
  return value
})

/** CRC-32 of ASCII text, as zip and PNG use it (ISO 3309). Node's own is not there before 20.15. */
export const crc32 = (text: string): number => {
  let value = 0xffffffff
  for (let at = 0; at < text.length; at++) value = (table[(value ^ text.charCodeAt(at)) & 0xff] ?? 0) ^ (value >>> 8)
  return ~value >>> 0
}
