import { useStreamClient } from '@holdfast/react'
import { Button, Choice, Dialog, DialogActions, Failure, Field } from '@holdfast/ui'
import { useQuery } from '@tanstack/react-query'
import { FolderUp, GitBranch, Globe, HardDrive, type LucideIcon, Map as MapIcon } from 'lucide-react'
import { type FormEvent, type ReactNode, useState } from 'react'
import { useProjectActions } from './actions.ts'
import type { LocalFolder } from './dropped-files.ts'
import { DropOrChoose, PickButtons } from './pick-buttons.tsx'
import { useProjectRoute } from './project-route.ts'

interface AddDocumentsProps {
  projectId: string
  open: boolean
  onOpenChange(open: boolean): void
  onFolder(folder: LocalFolder): void
}

type SourceKind = 'upload' | 'path' | 'url' | 'sitemap' | 'repository'

/** The five ways documents come in. */
export function AddDocuments({ projectId, open, onOpenChange, onFolder }: AddDocumentsProps) {
  const [kind, setKind] = useState<SourceKind>('upload')
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title="Add documents" wide>
      <div className="mb-4">
        <Choice<SourceKind> label="Where they come from" value={kind} onChange={setKind} options={KINDS} />
      </div>
      {kind === 'upload' ? (
        <UploadSource onFolder={onFolder} />
      ) : (
        <NamedSource key={kind} kind={kind} projectId={projectId} onDone={() => onOpenChange(false)} />
      )}
    </Dialog>
  )
}

const KINDS: { name: SourceKind; title: ReactNode }[] = [
  { name: 'upload', title: <Kind icon={FolderUp} word="This device" /> },
  { name: 'path', title: <Kind icon={HardDrive} word="Server folder" /> },
  { name: 'url', title: <Kind icon={Globe} word="URL" /> },
  { name: 'sitemap', title: <Kind icon={MapIcon} word="Sitemap" /> },
  { name: 'repository', title: <Kind icon={GitBranch} word="GitHub" /> },
]

function Kind({ icon: Icon, word }: { icon: LucideIcon; word: string }) {
  return (
    <>
      <Icon size={14} aria-hidden="true" />
      {word}
    </>
  )
}

function UploadSource({ onFolder }: { onFolder(folder: LocalFolder): void }) {
  return (
    <div
      data-testid="drop-zone"
      className="flex flex-col items-center gap-3 rounded-md border border-dashed border-line-strong px-4 py-8 text-center"
    >
      <p className="text-ink-2">
        <DropOrChoose drop="Drop a folder or files anywhere on the page, or" choose="From this device" />
      </p>
      <div className="flex flex-wrap justify-center gap-2">
        <PickButtons onFolder={onFolder} look="primary" />
      </div>
      <p className="text-dense text-ink-3">Hidden files stay here; .gitignore is obeyed on the server.</p>
    </div>
  )
}

interface Form {
  label: string
  placeholder: string
  hint: string
  verb: string
  body(value: string, ref: string): object
}

const FORMS: Record<Exclude<SourceKind, 'upload'>, Form> = {
  path: {
    label: 'Folder or file on the server',
    placeholder: '/home/me/notes',
    hint: '',
    verb: 'Ingest folder',
    body: (path) => ({ path }),
  },
  url: {
    label: 'Address of a page or file',
    placeholder: 'https://example.com/handbook.pdf',
    hint: 'This one page or file; links on it are not followed.',
    verb: 'Ingest URL',
    body: (url) => ({ url }),
  },
  sitemap: {
    label: 'Address of a sitemap',
    placeholder: 'https://example.com/sitemap.xml',
    hint: 'Every page it lists.',
    verb: 'Ingest sitemap',
    body: (sitemap) => ({ sitemap }),
  },
  repository: {
    label: 'Repository',
    placeholder: 'owner/name',
    hint: 'From GitHub; private ones when the server has a GITHUB_TOKEN.',
    verb: 'Ingest repository',
    body: (repository, ref) => ({ repository, ...(ref && { ref }) }),
  },
}

interface NamedSourceProps {
  kind: Exclude<SourceKind, 'upload'>
  projectId: string
  onDone(): void
}

function NamedSource({ kind, projectId, onDone }: NamedSourceProps) {
  const [value, setValue] = useState('')
  const [ref, setRef] = useState('')
  const { start } = useProjectActions(projectId)
  const { choose } = useProjectRoute()
  const form = FORMS[kind]
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (value.trim() === '') return
    start.mutate(form.body(value.trim(), ref.trim()), {
      onSuccess: () => {
        onDone()
        choose({ ingestion: undefined })
      },
    })
  }
  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      <Field
        label={form.label}
        placeholder={form.placeholder}
        hint={form.hint}
        value={value}
        onChange={(event) => setValue(event.target.value)}
        autoComplete="off"
        spellCheck={false}
        data-testid={`source-${kind}`}
        autoFocus
      />
      {kind === 'path' && <Roots onChoose={setValue} />}
      {kind === 'repository' && (
        <Field
          label="Branch, tag or commit"
          placeholder="the default branch"
          value={ref}
          onChange={(event) => setRef(event.target.value)}
          autoComplete="off"
          spellCheck={false}
        />
      )}
      {start.isError && <Failure title="It was not started" error={start.error} />}
      <DialogActions>
        <Button look="primary" type="submit" disabled={value.trim() === '' || start.isPending}>
          {form.verb}
        </Button>
      </DialogActions>
    </form>
  )
}

/** The folders the server may read from, to begin with. */
function Roots({ onChoose }: { onChoose(path: string): void }) {
  const client = useStreamClient()
  const answer = useQuery({
    queryKey: ['ingest-roots'],
    queryFn: ({ signal }) => client.request<{ roots: string[] }>('/api/ingest/roots', { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  })
  const roots = answer.data?.roots ?? []
  if (roots.length === 0) return null
  return (
    <p className="flex flex-wrap items-center gap-2 text-dense text-ink-2">
      {roots.length === 1 ? 'The server may read this folder:' : 'The server may read these folders:'}
      {roots.map((root) => (
        <Button key={root} small className="max-w-full font-mono" onClick={() => onChoose(root)}>
          <span className="truncate">{root}</span>
        </Button>
      ))}
    </p>
  )
}
