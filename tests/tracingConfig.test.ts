import { describe, expect, it } from 'vitest'
import { ConfigError, readConfig } from '../server/config.ts'
import { name as ownName } from '../server/version.ts'

const secret = 'a signing secret for tests, 32 bytes or more'
const read = (environment: Readonly<Record<string, string>>) =>
  readConfig({ NODE_ENV: 'test', ...environment }, () => secret).tracing

describe('the configuration of tracing', () => {
  it('is off, with everything kept, when nothing is said', () => {
    expect(read({})).toEqual({ endpoint: undefined, headers: {}, serviceName: ownName, share: 1 })
  })

  it('takes the standard variables', () => {
    expect(
      read({
        OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector.example.org:4318/otlp',
        OTEL_EXPORTER_OTLP_HEADERS: 'x-api-key=a%20b%3D, x-team=none',
        OTEL_TRACES_SAMPLER_ARG: '0.25',
        SERVICE_NAME: 'shop',
      }),
    ).toEqual({
      endpoint: 'https://collector.example.org:4318/otlp',
      headers: { 'x-api-key': 'a b=', 'x-team': 'none' },
      serviceName: 'shop',
      share: 0.25,
    })
    expect(read({ SERVICE_NAME: 'shop', OTEL_SERVICE_NAME: 'shop-eu' }).serviceName).toBe('shop-eu')
  })

  it.each([
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'localhost:4318'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'grpc://localhost:4317'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'x-api-key'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'x-api-key=a%0d%0ax-evil: 1'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'x-api-key=%zz'],
    ['OTEL_TRACES_SAMPLER_ARG', '1.5'],
    ['OTEL_TRACES_SAMPLER_ARG', '10%'],
  ])('refuses %s=%s, naming it', (name, value) => {
    expect(() => read({ [name]: value })).toThrow(ConfigError)
    expect(() => read({ [name]: value })).toThrow(name)
  })
})
