import { useEffect, useState } from 'react'
import { type ClientFailure, isFailure, type StreamEvent } from 'tsforge-client'
import { client, menuQuery, queries, startAnew } from './api.ts'

export interface Happenings {
  /** The newest first. */
  readonly events: readonly StreamEvent[]
  readonly isOpen: boolean
  /** Why the stream is closed, for good or until it is open again. */
  readonly failure?: ClientFailure
}

const shownMax = 50

/** What may change what a menu shows to somebody. */
const changesMenu = (topic: string) =>
  topic === 'gap' || /^(?:menu|role|permission)\.|^user\.roles_changed$/.test(topic)

const rereadMenu = () => void queries.invalidateQueries({ queryKey: menuQuery.queryKey })

/** Follows what happens as long as the component is shown, and has the menu read again when it may have changed. */
export const useHappenings = (): Happenings => {
  const [happenings, setHappenings] = useState<Happenings>({ events: [], isOpen: false })
  useEffect(() => {
    const leaving = new AbortController()
    const follow = async () => {
      const { signal } = leaving
      const onOpen = () => {
        setHappenings(({ events }) => ({ events, isOpen: true }))
        // Read from here on, it is no older than the events.
        rereadMenu()
      }
      const onLost = (failure: ClientFailure) => setHappenings(({ events }) => ({ events, isOpen: false, failure }))
      for await (const event of client.events.stream({}, { signal, onOpen, onLost })) {
        if (changesMenu(event.topic)) rereadMenu()
        setHappenings(({ events, ...rest }) => ({ ...rest, events: [event, ...events].slice(0, shownMax) }))
      }
    }
    follow().catch((failure: unknown) => {
      if (!isFailure(failure)) throw failure
      // Signed out elsewhere, or somebody else has signed in in another tab.
      if (failure.status === 401) startAnew()
      else setHappenings(({ events }) => ({ events, isOpen: false, failure }))
    })
    return () => leaving.abort()
  }, [])
  return happenings
}
