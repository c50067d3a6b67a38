/** A file to send, with the path it has within what was dropped or chosen. */
export interface LocalFile {
  path: string
  file: File
}

export interface LocalFolder {
  /** What to call it: the folder's name, or the file's where there is only one. */
  name: string
  files: LocalFile[]
}

/**
 * Everything in what was dropped, folders walked to the end. Hidden entries are left out, as the server does, but for
 * `.gitignore`, which it obeys. Has to be called within the drop event: its items are gone afterwards.
 */
export function readDrop(items: DataTransferItemList, onFound: (count: number) => void): Promise<LocalFolder> {
  const entries = [...items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null)
  return walk(entries, onFound)
}

async function walk(entries: FileSystemEntry[], onFound: (count: number) => void): Promise<LocalFolder> {
  const files: LocalFile[] = []
  const pending = [...entries].reverse()
  for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
    if (isHidden(entry.name)) continue
    if (entry.isDirectory) {
      pending.push(...(await readFolder(entry as FileSystemDirectoryEntry)).reverse())
    } else {
      files.push({ path: entry.fullPath.replace(/^\//, ''), file: await readFile(entry as FileSystemFileEntry) })
      onFound(files.length)
    }
  }
  return { name: nameOf(files, entries.length === 1 ? entries[0]?.name : undefined), files }
}

async function readFolder(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader()
  const entries: FileSystemEntry[] = []
  // A browser hands out a hundred at a time, then none.
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (batch.length === 0) return entries
    entries.push(...batch)
  }
}

function readFile(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject))
}

/** What a file picker gave; a folder picker's files carry their path. */
export function readPicked(list: FileList): LocalFolder {
  const files = [...list]
    .map((file) => ({ path: file.webkitRelativePath || file.name, file }))
    .filter(({ path }) => !path.split('/').some(isHidden))
  return { name: nameOf(files), files }
}

function isHidden(name: string): boolean {
  return name.startsWith('.') && name !== '.gitignore'
}

function nameOf(files: LocalFile[], dropped?: string): string {
  if (dropped !== undefined) return dropped
  const first = files[0]?.path.split('/')[0] ?? ''
  const isOneFolder = files.every(({ path }) => path.startsWith(`${first}/`))
  return isOneFolder || files.length === 1 ? first : `${files.length} files`
}
