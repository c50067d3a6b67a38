/** The official Durable Streams server for Node, file-backed: every acknowledgement after an fsync. */
import { DurableStreamTestServer } from '@durable-streams/server'
import { serveCommands } from '../commands.ts'

const { DATA_DIR, PORT = '0' } = process.env
const server = new DurableStreamTestServer({
  port: Number(PORT),
  host: '127.0.0.1',
  dataDir: DATA_DIR,
  compression: false,
})
const url = await server.start()

serveCommands(
  { port: Number(new URL(url).port), headers: {} },
  {
    async fill({ stream, count, size }) {
      const text = JSON.stringify({ n: 0, pad: 'x'.repeat(size) })
      for (let n = 0; n < count; n += 1000) {
        const body = `[${Array(Math.min(1000, count - n))
          .fill(text)
          .join(',')}]`
        const headers = { 'content-type': 'application/json' }
        const answer = await fetch(`${url}/v1/stream/${stream}`, { method: 'POST', headers, body })
        if (!answer.ok) throw new Error(`filling answered ${answer.status}`)
      }
    },
  },
)
