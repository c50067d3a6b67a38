import { Chip, type Tone } from '@holdfast/ui'
import {
  Ban,
  Check,
  CircleDashed,
  CircleSlash,
  Clock,
  FileText,
  LoaderCircle,
  type LucideIcon,
  Scissors,
  SkipForward,
} from 'lucide-react'
import type { IngestionStatus } from '../streams.ts'
import type { FileStatus } from '../view.ts'

export interface Look {
  tone: Tone
  icon: LucideIcon
  word: string
}

/** Icon, word and tone of how an ingestion is. */
export const INGESTION_LOOKS: Record<IngestionStatus | 'idle', Look> = {
  idle: { tone: 'quiet', icon: CircleDashed, word: 'Empty' },
  queued: { tone: 'waiting', icon: Clock, word: 'Queued' },
  working: { tone: 'working', icon: LoaderCircle, word: 'Working' },
  done: { tone: 'done', icon: Check, word: 'Done' },
  failed: { tone: 'failed', icon: CircleSlash, word: 'Failed' },
  cancelled: { tone: 'quiet', icon: Ban, word: 'Cancelled' },
}

/** Icon, word and tone of how far one file came. */
export const FILE_LOOKS: Record<FileStatus, Look> = {
  found: { tone: 'quiet', icon: CircleDashed, word: 'Found' },
  extracted: { tone: 'working', icon: FileText, word: 'Extracted' },
  chunked: { tone: 'working', icon: Scissors, word: 'Chunked' },
  done: { tone: 'done', icon: Check, word: 'Done' },
  skipped: { tone: 'quiet', icon: SkipForward, word: 'Skipped' },
  failed: { tone: 'failed', icon: CircleSlash, word: 'Failed' },
}

/** How an ingestion is. */
export function IngestionChip({ status }: { status: IngestionStatus | 'idle' }) {
  const { tone, icon, word } = INGESTION_LOOKS[status]
  return (
    <Chip tone={tone} icon={icon}>
      {word}
    </Chip>
  )
}

/** How far one file came. */
export function FileChip({ status }: { status: FileStatus }) {
  const { tone, icon, word } = FILE_LOOKS[status]
  return (
    <Chip tone={tone} icon={icon}>
      {word}
    </Chip>
  )
}
