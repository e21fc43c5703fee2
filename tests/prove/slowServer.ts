/**
 * The server of `prove:slow` whose streams take whatever they are given, full or not: what the proof must not pass with.
 * It is done to it from outside: the server has no switch for it.
 */
import { ChunkedWriter } from '../../server/http/uwsWriter.ts'

if (process.argv[2] === 'unbounded') {
  const { write } = ChunkedWriter.prototype
  ChunkedWriter.prototype.write = function (this: ChunkedWriter, chunk) {
    Reflect.apply(write, this, [chunk])
    return true
  }
}

await import('../../server/main.ts')
