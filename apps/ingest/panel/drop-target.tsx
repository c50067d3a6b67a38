import { useReport } from '@holdfast/ui'
import { FolderDown } from 'lucide-react'
import { useEffect, useEffectEvent, useState } from 'react'
import { formatCount } from '../view.ts'
import { type LocalFolder, readDrop } from './dropped-files.ts'

interface DropTargetProps {
  /** What happens with what is dropped: `Drop to add it to docs`. */
  invitation: string
  onFolder(folder: LocalFolder): void
}

/** Takes files and whole folders dropped anywhere on the page. */
export function DropTarget({ invitation, onFolder }: DropTargetProps) {
  const [isOver, setOver] = useState(false)
  const [found, setFound] = useState<number | null>(null)
  const report = useReport()
  const take = useEffectEvent(async (items: DataTransferItemList) => {
    setFound(0)
    try {
      const folder = await readDrop(items, setFound)
      if (folder.files.length > 0) onFolder(folder)
      else report('There is no file in what was dropped', 'Hidden files are left out.')
    } catch (error) {
      report('What was dropped could not be read', error)
    } finally {
      setFound(null)
    }
  })
  useEffect(() => {
    const onDragOver = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes('Files')) return
      event.preventDefault()
      setOver(true)
    }
    // Leaving the window has no element to go to; moving between elements has.
    const onDragLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false)
    }
    const onDrop = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes('Files')) return
      event.preventDefault()
      setOver(false)
      void take(event.dataTransfer.items)
    }
    window.addEventListener('dragover', onDragOver)
    window.addEventListener('dragleave', onDragLeave)
    window.addEventListener('drop', onDrop)
    return () => {
      window.removeEventListener('dragover', onDragOver)
      window.removeEventListener('dragleave', onDragLeave)
      window.removeEventListener('drop', onDrop)
    }
  }, [])
  if (!isOver && found === null) return null
  return (
    <div className="appear pointer-events-none fixed inset-0 z-60 bg-veil p-3" data-testid="drop-overlay">
      <div className="flex h-full flex-col items-center justify-center gap-2 rounded-md border-2 border-dashed border-accent bg-raised/95">
        <FolderDown size={28} className="text-accent" aria-hidden="true" />
        <p className="text-title font-bold">{found === null ? invitation : `${formatCount(found)} files found`}</p>
        <p className="text-ink-2">Whole folders are welcome.</p>
      </div>
    </div>
  )
}
