/** Where a peer listens; the queue of connections is as long as Node makes it. */
export const address = { host: '127.0.0.1', port: Number(process.env.PORT) }

process.on('SIGTERM', () => process.exit(0))
