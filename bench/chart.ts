import { barChart, colours } from '../server/cli/bench/barChart.ts'
import type { Outcome } from './rounds.ts'

/** Told apart from the others also without colours. */
const peerColour = '#e0b9a6'

const colourOf = (name: string): string =>
  name.startsWith('tsforge') ? colours.own : name.startsWith('bare') ? colours.other : peerColour

/** Bars of server CPU a request, one block for each outcome. */
export const chartOf = (outcomes: readonly Outcome[]): string =>
  barChart(
    'Server CPU a request of tsforge, of bare handlers and of other frameworks',
    outcomes.map(({ title, rows }) => ({
      title: `${title}: microseconds of server CPU a request`,
      bars: rows.map(({ name, serverCpu }) => ({ label: name, value: serverCpu, colour: colourOf(name) })),
    })),
  )
