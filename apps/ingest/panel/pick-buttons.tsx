import { Button } from '@holdfast/ui'
import { FilePlus, FolderUp } from 'lucide-react'
import { type ChangeEvent, useRef } from 'react'
import { type LocalFolder, readPicked } from './dropped-files.ts'

// React passes it on; its types do not know it.
const FOLDERS = { webkitdirectory: '' }

interface PickButtonsProps {
  onFolder(folder: LocalFolder): void
  look?: 'primary' | 'secondary'
}

/** Nothing is dropped by a thumb: what to do, in the words of the device. */
export function DropOrChoose({ drop, choose }: { drop: string; choose: string }) {
  return (
    <>
      <span className="pointer-coarse:hidden">{drop}</span>
      <span className="pointer-fine:hidden">{choose}</span>
    </>
  )
}

/** Chooses a folder, or single files, from this device. */
export function PickButtons({ onFolder, look = 'secondary' }: PickButtonsProps) {
  const folderInput = useRef<HTMLInputElement>(null)
  const fileInput = useRef<HTMLInputElement>(null)
  const onChange = ({ currentTarget }: ChangeEvent<HTMLInputElement>) => {
    const picked = currentTarget.files && readPicked(currentTarget.files)
    // The same folder can be chosen again.
    currentTarget.value = ''
    if (picked && picked.files.length > 0) onFolder(picked)
  }
  return (
    <>
      <Button look={look} icon={FolderUp} onClick={() => folderInput.current?.click()}>
        Choose a folder
      </Button>
      <Button icon={FilePlus} onClick={() => fileInput.current?.click()}>
        Choose files
      </Button>
      <input
        ref={folderInput}
        type="file"
        {...FOLDERS}
        hidden
        aria-label="Folder to upload"
        data-testid="folder-input"
        onChange={onChange}
      />
      <input
        ref={fileInput}
        type="file"
        multiple
        hidden
        aria-label="Files to upload"
        data-testid="file-input"
        onChange={onChange}
      />
    </>
  )
}
