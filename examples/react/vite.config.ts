import react from '@vitejs/plugin-react'
import { defineConfig, loadEnv, type ProxyOptions } from 'vite'

/**
 * The page asks its own origin, and Vite passes on what is for the API: the server needs no CORS, in development and
 * behind a reverse proxy alike. A server that is away is a 502, as other proxies say it, and an answer that breaks off
 * breaks off for the page too, so that the client comes back at once.
 */
const passOn = (target: string): ProxyOptions => ({
  target,
  configure: (proxy) => {
    proxy.on('error', (_error, _request, reply) => {
      if ('writeHead' in reply && !reply.headersSent) reply.writeHead(502).end()
      else reply.destroy()
    })
    proxy.on('proxyRes', (answer, _request, reply) => {
      answer.on('close', () => void (answer.complete || reply.destroy()))
    })
  },
})

/** The session is in localStorage, so no script from elsewhere may run. Whatever serves the built page sends this too. */
const policy = ["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:"]

export default defineConfig(({ mode }) => {
  const { API_URL = 'http://127.0.0.1:8080' } = loadEnv(mode, '.', 'API_')
  const { VITE_API_URL = "'self'" } = loadEnv(mode, '.', 'VITE_')
  const proxy = { '/trpc': passOn(API_URL) }
  return {
    plugins: [react()],
    server: { proxy },
    preview: {
      proxy,
      headers: { 'content-security-policy': [...policy, `connect-src ${VITE_API_URL}`].join('; ') },
    },
  }
})
