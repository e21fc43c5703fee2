/** What the servers are called that no peer is: targets are judged by these names. */
export const names = {
  own: 'tsforge',
  overTrpc: 'tsforge, over tRPC',
  quiet: 'tsforge, LOG_LEVEL=warn',
  sameReply: 'bare, the same reply',
  least: 'bare, body and its type',
  jose: 'bare, jose each call',
  remembered: 'bare, claims remembered',
}
