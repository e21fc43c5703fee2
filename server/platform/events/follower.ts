import type { Database } from '../../../db/database.ts'
import type { Feed } from './feed.ts'
import { readBounds, readSeen, type Sight } from './log.ts'
import { idOf, type LoggedEvent, positionOf } from './loggedEvent.ts'
import { type EventStream, gapItem, mayEndAccess, type StreamItem } from './stream.ts'

/** Items of one reading, of those that all readers share. */
const readLimit = 100
/** Rows of a page of the log. A reader that takes nothing more holds it alone, so it is short. */
const pageLimit = 32
/** Access that was read this recently need not be read again before the next event. */
const freshMs = 500

/** Reads what the viewer may see now: all of the bucket or their own; undefined when they may see nothing any more. */
export type ReadAccess = () => Promise<{ readonly seesBucket: boolean } | undefined>

export interface Viewer {
  readonly userId: string
  /** The id of a tenant, or `global`. */
  readonly bucket: string
  /** Empty for all. */
  readonly topics: readonly string[]
}

interface Parts {
  readonly feed: Feed
  readonly gateDatabase: Database
  readonly readAccess: ReadAccess
  readonly onClose: () => void
}

/** One reader of the log, at its own pace: the log is its buffer, so it holds no more than the items just read. */
export class Follower implements EventStream {
  readonly #parts: Parts
  #sight: Sight
  #epoch = ''
  #position = 0
  #gapFrom: string | undefined
  #checkedAt = Number.NEGATIVE_INFINITY
  /** Up to here the access that was read takes into account what happened. */
  #checkedUpTo = 0
  #isAstray = false
  #isOver = false
  #wake: (() => void) | undefined

  constructor(parts: Parts, { userId, bucket, topics }: Viewer) {
    this.#parts = parts
    const tenantId = bucket === 'global' ? null : bucket
    this.#sight = { personId: userId, tenantId, seesBucket: false, topics: new Set(topics) }
  }

  /** Finds the place to begin: behind `lastEventId`, or now. Rejects when the database is away. */
  async begin(lastEventId: string | undefined): Promise<void> {
    const { epoch, first, last } = await readBounds(this.#parts.gateDatabase.db)
    this.#epoch = epoch
    this.#position = last
    if (lastEventId === undefined) return
    const asked = positionOf(epoch, lastEventId)
    if (asked === undefined || asked > last) this.#gapFrom = lastEventId
    else if (asked >= first - 1) this.#position = asked
    else {
      this.#position = first - 1
      this.#gapFrom = lastEventId
    }
  }

  get id(): string {
    return idOf(this.#epoch, this.#position)
  }

  async read(): Promise<readonly StreamItem[] | undefined> {
    if (this.#gapFrom !== undefined && !this.#isOver) {
      const gap = gapItem(this.#gapFrom, this.id)
      this.#gapFrom = undefined
      return [gap]
    }
    while (!this.#isOver) {
      const items = await this.#next()
      if (this.#isOver) return undefined
      if (items.length > 0) return items
      if (!this.#hasMore) await this.#untilWoken()
    }
    return undefined
  }

  /** There may be something new, or the stream is over. */
  wake(): void {
    this.#wake?.()
    this.#wake = undefined
  }

  /** The log has lost what stood before this place: a gap is told, and the stream goes on at the end of the log. */
  goAstray(): void {
    this.#isAstray = true
    this.wake()
  }

  close(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#parts.onClose()
    this.wake()
  }

  /** Reads the access anew and closes when it is gone. Rejects when the database is away: the stream then waits. */
  async checkAccess(): Promise<void> {
    const upTo = this.#parts.feed.bounds?.last ?? 0
    const access = await this.#parts.readAccess()
    if (!access) return this.close()
    this.#sight = { ...this.#sight, seesBucket: access.seesBucket }
    this.#checkedAt = performance.now()
    this.#checkedUpTo = upTo
  }

  get #hasMore(): boolean {
    return (this.#parts.feed.bounds?.last ?? 0) > this.#position
  }

  /** What there is, of the memory or of the log. Nothing, too, while the database is away. */
  async #next(): Promise<readonly StreamItem[]> {
    if (this.#isAstray) return this.#startOver()
    if (!this.#hasMore) return []
    try {
      if (performance.now() - this.#checkedAt > freshMs) await this.checkAccess()
      const events = this.#parts.feed.behind(this.#position)
      return events ? await this.#pick(events) : await this.#readPage()
    } catch {
      await this.#untilWoken()
      return []
    }
  }

  #startOver(): readonly StreamItem[] {
    const from = this.id
    const { epoch, last } = this.#parts.feed.bounds ?? { epoch: this.#epoch, last: 0 }
    this.#isAstray = false
    this.#epoch = epoch
    this.#position = last
    this.#checkedUpTo = 0
    return [gapItem(from, this.id)]
  }

  /** Stops before an event that may end the access, unless the access was read after it. */
  async #pick(events: readonly LoggedEvent[]): Promise<readonly StreamItem[]> {
    const items: LoggedEvent[] = []
    for (const event of events) {
      if (this.#checkedUpTo < event.position && mayEndAccess(event, this.#sight.personId)) {
        if (items.length > 0) break
        await this.checkAccess()
        if (this.#isOver) break
      }
      this.#position = event.position
      if (this.#sees(event)) items.push(event)
      if (items.length === readLimit) break
    }
    return items
  }

  async #readPage(): Promise<readonly StreamItem[]> {
    const bounds = await readBounds(this.#parts.gateDatabase.db)
    if (this.#position < bounds.first - 1) {
      // The log was trimmed while this reader was behind.
      const from = this.id
      this.#position = bounds.first - 1
      return [gapItem(from, this.id)]
    }
    const stretch = { bounds, after: this.#position, limit: pageLimit }
    const items = await readSeen(this.#parts.gateDatabase.db, this.#sight, stretch)
    this.#position = items.length < pageLimit ? bounds.last : (items.at(-1)?.position ?? bounds.last)
    return items
  }

  #sees({ topic, tenant_id: tenant, person_id: person, actor_id: actor }: LoggedEvent): boolean {
    const { personId, tenantId, seesBucket, topics } = this.#sight
    if (topics.size > 0 && !topics.has(topic)) return false
    if (tenant !== null && tenant !== tenantId) return false
    return person === personId || actor === personId || (seesBucket && tenant === tenantId)
  }

  #untilWoken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}
