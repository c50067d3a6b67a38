import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { bareExtract } from './bare-extract.ts'
import { makeMixedFiles } from './corpus/make-mixed-files.ts'

it('[P9d] reads every file of a mix once and gets text from all that hold some', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bare-'))
  try {
    const { files } = await makeMixedFiles(folder, { files: 14 })
    const result = await bareExtract(folder)
    const sum = files.reduce((bytes, file) => bytes + file.bytes, 0)
    expect(result).toMatchObject({ files: 14, extracted: 12, skipped: 2, bytes: sum })
    expect(result.characters).toBeGreaterThan(20_000)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
