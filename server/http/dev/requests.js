import { showDetail } from './detail.js'
import { element, milliseconds, timeOfDay } from './element.js'

/** The list of requests. Rows stay as they are while their request is kept, so focus and selection stay too. */
export const createRequests = (find, get) => {
  const body = find('rows')
  const filter = find('filter')
  const rows = new Map()
  let chosen

  const matches = ({ text }) => text.includes(filter.value.trim().toLowerCase())
  const sift = () => {
    for (const row of rows.values()) row.line.hidden = !matches(row)
    find('none').hidden = rows.size > 0
  }

  const choose = async (key) => {
    rows.get(chosen)?.button.removeAttribute('aria-current')
    chosen = key
    rows.get(key)?.button.setAttribute('aria-current', 'true')
    const detail = find('detail')
    try {
      const answer = await get(`requests/${encodeURIComponent(key)}`)
      if (key === chosen) showDetail(detail, answer)
    } catch {
      detail.replaceChildren(element('p', { text: 'This request is no longer kept: the server keeps the last 200.' }))
    }
  }

  const add = (request) => {
    const button = element('button', { type: 'button', className: 'link', text: request.name })
    button.addEventListener('click', () => void choose(request.key))
    const line = element('tr', { className: request.isFailed ? 'failed' : '' }, [
      element('td', {}, [button, ...addressOf(request)]),
      element('td', { text: statusOf(request), className: `status ${classOf(request.status)}` }),
      element('td', { text: String(request.queries), className: 'number' }),
      element('td', { text: String(request.events), className: 'number' }),
      element('td', { text: milliseconds(request.durationMs), className: 'number' }),
      element('td', { text: timeOfDay(request.startedAt), className: 'number' }),
    ])
    const text = `${request.name} ${request.target} ${request.status ?? ''} ${request.id}`.toLowerCase()
    rows.set(request.key, { line, button, text })
    return line
  }

  filter.addEventListener('input', sift)
  body.addEventListener('keydown', (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (!step) return
    const shown = [...body.querySelectorAll('tr:not([hidden]) button')]
    const next = shown[shown.indexOf(document.activeElement) + step]
    event.preventDefault()
    next?.focus()
  })

  return {
    show(requests) {
      const keys = new Set(requests.map(({ key }) => key))
      for (const [key, { line }] of rows) {
        if (keys.has(key)) continue
        line.remove()
        rows.delete(key)
      }
      const fresh = requests.filter(({ key }) => !rows.has(key)).map(add)
      body.prepend(...fresh)
      sift()
    },
  }
}

/** Nothing where the name says it already. */
const addressOf = ({ name, target }) =>
  target === '' || name.endsWith(` ${target}`) ? [] : [element('small', { text: target })]

const statusOf = ({ status, kind, isFailed }) => {
  if (status !== null) return String(status)
  if (kind === 'server') return isFailed ? 'failed' : 'left'
  return isFailed ? 'failed' : 'done'
}

const classOf = (status) => (status === null ? '' : `s${String(status)[0]}`)
