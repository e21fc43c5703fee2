import { mkdir, open, readFile, rename } from 'node:fs/promises'
import path from 'node:path'

/**
 * Two files in a folder. `events.ndjson` has the events, a line each. `place.json` says behind which event to go on, and how
 * long `events.ndjson` was by then: what a crash has left behind that is cut off, since those events come again. So each
 * is in the file once. One program at a time may have a folder open.
 */
export const openJournal = async (folder) => {
  await mkdir(folder, { recursive: true })
  const placeFile = path.join(folder, 'place.json')
  const events = await open(path.join(folder, 'events.ndjson'), 'a')
  const { size } = await events.stat()
  let { id, bytes } = await readPlace(placeFile, size)
  if (bytes > size)
    throw new Error(`${placeFile} is of a longer events.ndjson: put that back, or begin in an empty folder`)
  await events.truncate(bytes)

  return {
    /** The id to go on behind; '' when there is none yet. */
    place: () => id,
    async append(data) {
      await events.appendFile(`${data}\n`)
      bytes += Buffer.byteLength(data) + 1
    },
    /** The events up to this id are on the disk before the place is, which changes at once or not at all. */
    async keep(next) {
      if (next === id) return
      await events.datasync()
      await replace(placeFile, JSON.stringify({ id: next, bytes }))
      id = next
    },
  }
}

const readPlace = async (file, size) => {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    if (error.code === 'ENOENT') return { id: '', bytes: size }
    throw error
  }
}

const replace = async (file, text) => {
  const draft = await open(`${file}.draft`, 'w')
  await draft.writeFile(text)
  await draft.sync()
  await draft.close()
  await rename(`${file}.draft`, file)
}
