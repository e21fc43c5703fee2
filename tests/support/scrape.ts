/** What a scrape said: values by series, as `name{label="value"}`. */
export type Scrape = ReadonlyMap<string, number>

/** Reads Prometheus' text format. */
export const readScrape = (text: string): Scrape =>
  new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const end = line.lastIndexOf(' ')
        return [line.slice(0, end), Number(line.slice(end + 1))]
      }),
  )

/** The sum of all series of a metric that carry these labels. */
export const total = (scrape: Scrape, name: string, labels: Readonly<Record<string, string>> = {}): number =>
  [...scrape]
    .filter(([series]) => series === name || series.startsWith(`${name}{`))
    .filter(([series]) => Object.entries(labels).every(([label, value]) => series.includes(`${label}="${value}"`)))
    .reduce((sum, [, value]) => sum + value, 0)

/** How many requests were counted. */
export const requests = (scrape: Scrape, method: string, route: string, status: number): number =>
  total(scrape, 'http_server_request_duration_seconds_count', {
    http_request_method: method,
    http_route: route,
    http_response_status_code: String(status),
  })
