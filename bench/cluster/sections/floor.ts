import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { eventText, figuresOf, type Written, writeFor } from '../../streams/load/write-loop.ts'
import type { Figure, Section } from '../../streams/sections/section.ts'
import { lendDatabase, type Stores } from '../stores.ts'
import { PADDING } from './shapes.ts'

// A page of PostgreSQL's write-ahead log.
const BLOCK = Buffer.alloc(8192, 1)
const BATCH = 64

const TABLE = 'CREATE TABLE events (stream_id BIGINT, seq BIGINT, data TEXT NOT NULL, PRIMARY KEY (stream_id, seq))'
const INSERT = {
  name: 'insert',
  text: `INSERT INTO events (stream_id, seq, data)
    SELECT 1, e.ordinality + $2, e.value FROM json_array_elements_text($1) WITH ORDINALITY e`,
}

/** What the disk and a bare PostgreSQL do here: nobody on them can do better. */
export async function floor({
  stores,
  seconds,
}: {
  stores: Pick<Stores, 'postgres'>
  seconds: number
}): Promise<Section> {
  await using database = await lendDatabase(stores)
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  try {
    await client.query(TABLE)
    const figures = [
      figure('the disk, 8 KB appended, then fdatasync', 'no server', await diskWrites(seconds), 1),
      figure('1 row a commit', 'bare PostgreSQL', await inserts(client, 1, seconds), 1),
      figure(`${BATCH} rows a commit`, 'bare PostgreSQL', await inserts(client, BATCH, seconds), BATCH),
    ]
    return {
      title: 'The floor',
      note: 'The disk in the folder for temporary files, where all stores are; and events of 200 bytes into a table with a primary key, by one connection of the driver Holdfast has too, with nothing else done.',
      columns: ['rows or writes/s', 'p50 ms of one commit', 'p99 ms'],
      figures,
    }
  } finally {
    await client.end()
  }
}

function figure(what: string, contender: string, written: Written, rows: number): Figure {
  const [perSecond = 0, p50 = 0, p99 = 0] = figuresOf(written)
  return { what, contender, durable: true, values: [perSecond * rows, p50, p99] }
}

async function diskWrites(seconds: number): Promise<Written> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'))
  const file = openSync(join(folder, 'log'), 'w')
  try {
    return await writeFor({ writers: 1, streams: 1, seconds }, async () => {
      writeSync(file, BLOCK)
      fdatasyncSync(file)
      return true
    })
  } finally {
    closeSync(file)
    rmSync(folder, { recursive: true })
  }
}

async function inserts(client: pg.Client, rows: number, seconds: number): Promise<Written> {
  await client.query('TRUNCATE events')
  const insert = async (n: number) => {
    const events = Array.from({ length: rows }, (_, index) => eventText(n * rows + index, PADDING))
    await client.query({ ...INSERT, values: [JSON.stringify(events), n * rows] })
    return true
  }
  return writeFor({ writers: 1, streams: 1, seconds }, ({ n }) => insert(n))
}
