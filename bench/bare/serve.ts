import * as addon from 'uWebSockets.js'

/** What of the addon's interface the bare servers use; its own typings lack the rest. */
export interface Response {
  writeStatus(status: string): Response
  writeHeader(name: string, value: string): Response
  end(body: string): Response
  cork(write: () => void): Response
  onAborted(listener: () => void): Response
}

export interface Request {
  getHeader(name: string): string
}

interface App {
  get(path: string, serve: (response: Response, request: Request) => void): App
  listen(host: string, port: number, done: (socket: unknown) => void): App
}

export const json = 'application/json; charset=utf-8'

/** Serves one path by a handler, until SIGTERM. */
export const serveBare = (path: string, serve: (response: Response, request: Request) => void): void => {
  const { App, _cfg } = addon as unknown as { App: () => App; _cfg: (key: string) => void }
  // No header that names the product, as in the server that this is compared with.
  _cfg('999999990007')
  App()
    .get(path, serve)
    .listen('127.0.0.1', Number(process.env.PORT), (socket) => {
      if (!socket) process.exit(1)
    })
  process.on('SIGTERM', () => process.exit(0))
}
