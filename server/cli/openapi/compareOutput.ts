import type { Finding } from './change.ts'
import { compareContent, described, type Placed } from './compareInput.ts'
import { added, comparePresence, compareSchemas } from './compareSchemas.ts'
import type { Comparison, Pair } from './comparison.ts'
import { type Part, partOf, resolved } from './document.ts'

/** Replies by status. A client meets a new one without a branch for it, be it a success or an error. */
export const compareResponses = (at: Pair, was: Placed, is: Placed): Finding[] => {
  const [before, after] = [partOf(was.operation.responses), partOf(is.operation.responses)]
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((status): Finding[] => {
    if (!(status in after)) return [goneStatus(status)]
    if (!(status in before)) return [newStatus(status, before)]
    const [one, other] = [resolved(at.older, before[status]), resolved(at.newer, after[status])]
    const here: Comparison = { ...at, direction: 'output', place: status, open: [] }
    return [
      ...compareContent({ ...here, place: `${status} ` }, one, other).map(tidied),
      ...compareHeaders(here, partOf(one.headers), partOf(other.headers)),
      ...(one.description === other.description ? [] : [described(status)]),
    ]
  })
}

const goneStatus = (status: string): Finding => ({
  verdict: isFailure(status) ? 'compatible' : 'breaking',
  kind: 'removed',
  place: status,
  text: 'is no longer answered',
})

/** 304 comes to those alone who ask for it; a range or `default` has announced what falls under it. */
const newStatus = (status: string, before: Part): Finding => {
  const isAnnounced = status === '304' || 'default' in before || `${status[0]}XX` in before
  return { verdict: isAnnounced ? 'look' : 'breaking', kind: 'added', place: status, text: 'can be answered now' }
}

const isFailure = (status: string) => /^[45]/.test(status)

/** `error.code` is what clients decide by, so its values are told as what they are. */
const tidied = (finding: Finding): Finding => {
  const place = finding.place.trimEnd()
  if (!/^[45]\w\w error\.code$/.test(place)) return { ...finding, place }
  return { ...finding, place, text: finding.text.replaceAll('the value', 'the error code') }
}

const compareHeaders = (at: Comparison, was: Part, is: Part): Finding[] => {
  const [before, after] = [byName(was), byName(is)]
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((name): Finding[] => {
    const place = `${at.place} header ${name}`
    const here = { ...at, place }
    if (!after.has(name)) return [{ verdict: 'breaking', kind: 'removed', place, text: 'was removed' }]
    if (!before.has(name)) return [added(here, false)]
    const [one, other] = [resolved(at.older, before.get(name)), resolved(at.newer, after.get(name))]
    return [
      ...comparePresence(here, one.required === true, other.required === true),
      ...compareSchemas(here, one.schema ?? {}, other.schema ?? {}),
    ]
  })
}

const byName = (headers: Part) => new Map(Object.entries(headers).map(([name, header]) => [name.toLowerCase(), header]))
