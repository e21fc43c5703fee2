import type { StreamEvent } from 'tsforge-client'
import { sentenceOf } from './sentence.ts'
import { useHappenings } from './useHappenings.ts'

/** One's own events as they happen; for those who hold `events.read`, everybody's. */
export const Happenings = () => {
  const { events, isOpen, failure } = useHappenings()
  return (
    <section aria-label="Events">
      <h2>
        Events <small className={isOpen ? 'open' : ''}>{isOpen ? 'live' : 'connecting …'}</small>
      </h2>
      {!isOpen && failure && <p role="alert">{sentenceOf(failure)}</p>}
      {events.length === 0 && <p>Nothing has happened since you are here.</p>}
      <ol>
        {events.map((event) => (
          <li key={event.id}>
            <Line event={event} />
          </li>
        ))}
      </ol>
    </section>
  )
}

/** The topic tells the compiler what the payload has. */
const Line = ({ event }: { readonly event: StreamEvent }) => {
  if (event.topic === 'gap') return <em>Some events were missed; what they change was read again.</em>
  return (
    <>
      <time dateTime={event.occurred_at}>{new Date(event.occurred_at).toLocaleTimeString()}</time>
      <code>{event.topic}</code>
      {'label' in event.payload && <span>{event.payload.label}</span>}
      {'name' in event.payload && <span>{event.payload.name}</span>}
    </>
  )
}
