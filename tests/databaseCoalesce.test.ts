import { describe, expect, test } from 'vitest'
import { coalesce } from '../db/coalesce.ts'

/** A read whose answers the test gives; it records the keys of every call. */
const controlledRead = () => {
  const calls: { keys: readonly number[]; answer: () => void; fail: (error: Error) => void }[] = []
  const read = (keys: readonly number[]) =>
    new Promise<ReadonlyMap<number, string>>((resolve, reject) => {
      calls.push({ keys, answer: () => resolve(new Map(keys.map((key) => [key, `row ${key}`]))), fail: reject })
    })
  return { read, calls }
}
const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('coalesce', () => {
  test('calls of one turn are one read, and a key that comes twice shares its row', async () => {
    const { read, calls } = controlledRead()
    const find = coalesce(read, { maxBatch: 100 })
    const rows = Promise.all([find(1), find(2), find(1)])
    await turn()
    expect(calls.map(({ keys }) => keys)).toEqual([[1, 2]])
    calls[0]?.answer()
    expect(await rows).toEqual(['row 1', 'row 2', 'row 1'])
  })

  test('a key without a row is undefined', async () => {
    const find = coalesce(async () => new Map<number, string>(), { maxBatch: 100 })
    expect(await find(1)).toBeUndefined()
  })

  test('a call during a read begins another one, so that it never gets an older row', async () => {
    const { read, calls } = controlledRead()
    const find = coalesce(read, { maxBatch: 100 })
    void find(1)
    await turn()
    void find(1)
    await turn()
    expect(calls.map(({ keys }) => keys)).toEqual([[1], [1]])
  })

  test('beyond maxReads keys gather until a read ends', async () => {
    const { read, calls } = controlledRead()
    const find = coalesce(read, { maxBatch: 100, maxReads: 1 })
    void find(1)
    await turn()
    const later = Promise.all([find(2), find(3)])
    await turn()
    expect(calls).toHaveLength(1)
    calls[0]?.answer()
    await turn()
    await turn()
    expect(calls.map(({ keys }) => keys)).toEqual([[1], [2, 3]])
    calls[1]?.answer()
    expect(await later).toEqual(['row 2', 'row 3'])
  })

  test('more keys than maxBatch go out in several reads', async () => {
    const sizes: number[] = []
    const read = async (keys: readonly number[]) => {
      sizes.push(keys.length)
      return new Map(keys.map((key) => [key, key]))
    }
    const find = coalesce(read, { maxBatch: 4 })
    const keys = Array.from({ length: 10 }, (_, index) => index)
    expect(await Promise.all(keys.map(find))).toEqual(keys)
    expect(sizes).toEqual([4, 4, 2])
  })

  test('a read that fails rejects its own calls only', async () => {
    const { read, calls } = controlledRead()
    const find = coalesce(read, { maxBatch: 1 })
    const both = Promise.allSettled([find(1), find(2)])
    await turn()
    await turn()
    calls[0]?.fail(new Error('lost'))
    calls[1]?.answer()
    expect(await both).toMatchObject([{ status: 'rejected' }, { status: 'fulfilled', value: 'row 2' }])
    const after = find(1)
    await turn()
    calls[2]?.answer()
    expect(await after).toBe('row 1')
  })

  test('a read that throws at once rejects too', async () => {
    const find = coalesce(
      (): Promise<Map<number, string>> => {
        throw new Error('no connection')
      },
      { maxBatch: 1 },
    )
    await expect(find(1)).rejects.toThrow('no connection')
  })
})
