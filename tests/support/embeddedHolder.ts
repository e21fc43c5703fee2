import { startEmbedded } from '../../db/embedded/startEmbedded.ts'

/** A process that holds the database of a folder (its argument): prints where it is, and gives it back when its input ends. */
const { stop, ...addresses } = await startEmbedded({ dataDir: process.argv[2] ?? '', durable: false }).catch(
  (error: Error) => {
    console.log(JSON.stringify({ failure: error.message, name: error.name }))
    process.exit(1)
  },
)
console.log(JSON.stringify(addresses))
process.stdin.resume().once('end', () => void stop())
