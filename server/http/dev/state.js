import { element } from './element.js'

const said = (value) => (value === null || value === undefined ? '' : String(value))
const moment = (iso) => (iso ? new Date(iso).toLocaleString() : '')

/** Of each view: where its rows come from, its columns, and what is said when there are none. */
const views = {
  Events: {
    rows: ({ events }) => events,
    none: 'No event is in the log.',
    columns: {
      Position: (event) => said(event.position ?? 'not numbered yet'),
      Topic: ({ topic }) => topic,
      Target: ({ target }) => target,
      Payload: ({ payload }) => payload,
      Tenant: (event) => said(event.tenant_id),
      Actor: (event) => said(event.actor_id),
      Request: (event) => said(event.request_id),
      At: (event) => moment(event.occurred_at),
    },
  },
  Flags: {
    rows: ({ flags }) => flags,
    none: 'The server has no flag.',
    columns: {
      Flag: ({ name }) => name,
      'Decided by': ({ source }) => source,
      Value: (flag) => said(flag.override ?? flag.value ?? flag.default),
      Rules: ({ rules }) => said(rules),
      Default: (flag) => said(flag.default),
      Description: ({ description }) => description,
    },
  },
  Modules: {
    rows: ({ modules }) => modules,
    none: 'The server has no module.',
    columns: {
      Module: ({ name }) => name,
      Health: ({ healthy }) => (healthy ? 'well' : 'not well'),
      Why: ({ detail }) => said(detail),
    },
  },
  Duties: {
    rows: ({ duties }) => duties,
    none: 'The server has no duty.',
    columns: {
      Duty: ({ name }) => name,
      Schedule: ({ schedule }) => schedule,
      'Last run': (duty) => moment(duty.started_at) || 'never',
      Outcome: (duty) => said(duty.outcome ?? (duty.started_at ? 'running or cut off' : '')),
      Result: ({ result, error }) => (error ? `failed: ${error}` : result ? JSON.stringify(result) : ''),
    },
  },
  Consumers: {
    rows: ({ consumers }) => consumers,
    none: 'No consumer has worked on this database.',
    columns: {
      Consumer: ({ name }) => name,
      Partitions: ({ partitions }) => said(partitions),
      'Worked on': ({ held }) => said(held),
      'Events behind': ({ lag }) => said(lag),
      'Failed tries': ({ attempts }) => said(attempts),
      'Dead letters': (consumer) => said(consumer.dead_letters),
    },
  },
}

/** Columns of JSON, which may be broken anywhere. */
const long = new Set(['Payload', 'Result'])

export const stateViews = Object.keys(views)

const shown = { view: '', text: '' }

/** A table of the view. One that has not changed is left alone, with what is selected in it. */
export const showState = (place, view, state) => {
  const { rows, none, columns } = views[view]
  const found = rows(state)
  const text = JSON.stringify(found)
  if (place.hasChildNodes() && shown.view === view && shown.text === text) return
  Object.assign(shown, { view, text })
  const head = element(
    'tr',
    {},
    Object.keys(columns).map((name) => element('th', { scope: 'col', text: name })),
  )
  const lines = found.map((row) =>
    element(
      'tr',
      {},
      Object.entries(columns).map(([name, write]) =>
        element('td', { text: write(row), className: long.has(name) ? 'long' : '' }),
      ),
    ),
  )
  const table = element('table', {}, [element('thead', {}, [head]), element('tbody', {}, lines)])
  place.replaceChildren(element('h2', { text: view }), found.length > 0 ? table : element('p', { text: none }))
}
