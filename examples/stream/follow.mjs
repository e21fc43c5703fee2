// Follows what happens on a server and writes each event into a file, once and in order, whatever is killed meanwhile.
// Usage: API_KEY=… node follow.mjs [folder]
import { framesOf } from './connections.mjs'
import { openJournal } from './journal.mjs'

const { API_URL = 'http://127.0.0.1:8080', API_KEY = '', TENANT_ID = '', TOPICS = '' } = process.env

const say = (text) => void process.stdout.write(`${text}\n`)

const stream = {
  url: `${API_URL}/api/v1/stream${TOPICS && `?topics=${encodeURIComponent(TOPICS)}`}`,
  headers: { authorization: `Bearer ${API_KEY}`, ...(TENANT_ID && { 'x-tenant-id': TENANT_ID }) },
  onLost: (reason) => say(`no connection to ${API_URL}: ${reason}; trying again`),
}

/** Put your work here. What it does outside of the journal may happen once more after a crash: recognise `event.id`. */
const handle = (event) => {
  if (event.topic !== 'gap') return say(`${event.topic} ${event.target}`)
  say(`gap: events behind ${event.from} are lost; read again what they would have changed`)
}

const run = async () => {
  const journal = await openJournal(process.argv[2] ?? '.')
  say(`following ${API_URL} ${journal.place() ? `behind ${journal.place()}` : 'from now on'}`)
  for await (const { id, data } of framesOf(stream, journal.place)) {
    if (data !== undefined) {
      await journal.append(data)
      handle(JSON.parse(data))
    }
    // An id without data moves the place too: the server names it at the beginning, and now and then.
    if (id !== undefined) await journal.keep(id)
  }
}

run().catch((error) => {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
})
