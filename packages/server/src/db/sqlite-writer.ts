import { flushCompileCache } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'
import { SqliteBatch } from './sqlite-batch.ts'
import { openWriter, type SqliteSettings } from './sqlite-connection.ts'
import { BatchDecoder, type WireBatch } from './sqlite-wire.ts'

/**
 * The writer's thread: takes a batch of commits, answers when it is on disk. fsync blocks this thread and no other.
 * An error that escapes ends the thread, and with it the database (sqlite-database.ts).
 */
if (!parentPort) throw new Error('sqlite-writer runs as a worker thread')
const port = parentPort
const db = openWriter(workerData as SqliteSettings)
const batch = new SqliteBatch(db)
const decoder = new BatchDecoder()

port.on('message', (message: WireBatch | 'close') => {
  if (message === 'close') {
    db.close()
    port.close()
    return
  }
  port.postMessage(batch.run(decoder.decode(message)))
})
port.postMessage('ready')
// A process that is killed would not keep what it compiled.
flushCompileCache()
