import { element, milliseconds, timeOfDay } from './element.js'

/** One request: what it was, its spans as bars over its time, its lines in the log. */
export const showDetail = (place, request) => {
  const { name, target, id, traceId, durationMs, startedAt, curl, spans, lines, dropped } = request
  place.replaceChildren(
    element('h2', { text: name }),
    facts([
      ['Address', target],
      ['Began', `${timeOfDay(startedAt)}, took ${milliseconds(durationMs)}`],
      ['Request', id],
      ['Trace', traceId],
    ]),
    ...(curl ? [curlBlock(curl)] : []),
    element('h3', { text: 'Timeline' }),
    timeline(request),
    ...(spans.length === 0 ? [element('p', { text: 'It asked nothing of the database.' })] : []),
    ...(lines.length === 0 ? [] : [element('h3', { text: 'Log' }), logLines(lines)]),
    ...(dropped > 0 ? [element('p', { text: `${dropped} more spans, lines or texts were left out.` })] : []),
  )
}

const facts = (pairs) =>
  element(
    'dl',
    {},
    pairs
      .filter(([, text]) => text)
      .flatMap(([term, text]) => [element('dt', { text: term }), element('dd', { text })]),
  )

const curlBlock = (curl) => {
  const copy = element('button', { type: 'button', text: 'Copy curl' })
  copy.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(curl)
      copy.textContent = 'Copied'
    } catch {
      copy.textContent = 'Select the text to copy it'
    }
  })
  return element('div', { className: 'curl' }, [element('pre', {}, [element('code', { text: curl })]), copy])
}

const timeline = (request) => {
  const { spans, durationMs, name } = request
  const parents = new Map(spans.map((span) => [span.id, span.parent]))
  const depthOf = (id) => {
    let depth = 1
    for (let above = parents.get(id); parents.has(above) && depth < 8; above = parents.get(above)) depth++
    return depth
  }
  const root = { name, part: 'call', startMs: 0, durationMs, sql: null, rows: null, error: null }
  const bars = [bar(root, durationMs, 0), ...spans.map((span) => bar(span, durationMs, depthOf(span.id)))]
  return element('ol', { className: 'timeline' }, bars)
}

const percent = (part, whole) => `${whole > 0 ? (100 * part) / whole : 0}%`

const bar = ({ name, part, startMs, durationMs, sql, rows, error }, wholeMs, depth) => {
  const filled = element('span', { className: `bar ${part}` })
  filled.style.left = percent(startMs, wholeMs)
  filled.style.width = percent(durationMs, wholeMs)
  const label = element('span', { className: 'label', text: name, title: name })
  label.style.paddingLeft = `${depth * 0.7}rem`
  const line = element('div', { className: 'line' }, [
    label,
    element('span', { className: 'track' }, [filled]),
    element('span', { className: 'number', text: milliseconds(durationMs) }),
  ])
  const said = [error && `failed: ${error}`, rows !== null && `${rows} ${rows === 1 ? 'row' : 'rows'}`].filter(Boolean)
  const note = said.length === 0 ? [] : [element('small', { text: said.join(', ') })]
  if (!sql) return element('li', { className: error ? 'failed' : '' }, [line, ...note])
  const summary = element('summary', {}, [line])
  const block = element('details', {}, [summary, element('pre', {}, [element('code', { text: sql })]), ...note])
  return element('li', { className: error ? 'failed' : '' }, [block])
}

const logLines = (lines) =>
  element(
    'ol',
    { className: 'log' },
    lines.map(({ atMs, json }) =>
      element('li', {}, [
        element('span', { className: 'number', text: milliseconds(atMs) }),
        element('code', { text: json.trimEnd() }),
      ]),
    ),
  )
