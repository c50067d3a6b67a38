import { Button, Dialog, DialogActions, Field } from '@holdfast/ui'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { useCreateProject } from './actions.ts'

/** Makes an empty project by name and goes there. */
export default function CreateProject({ open, onOpenChange }: { open: boolean; onOpenChange(open: boolean): void }) {
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="New project"
      description="A place for documents that belong together. Search looks through all of them."
    >
      <CreateForm onDone={() => onOpenChange(false)} />
    </Dialog>
  )
}

function CreateForm({ onDone }: { onDone(): void }) {
  const [name, setName] = useState('')
  const create = useCreateProject()
  const navigate = useNavigate()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (name.trim() === '') return
    create.mutate(name.trim(), {
      onSuccess: ({ id }) => {
        onDone()
        void navigate({ to: '/projects/$projectId', params: { projectId: id } })
      },
    })
  }
  return (
    <form onSubmit={submit}>
      <Field
        label="Name"
        value={name}
        onChange={(event) => setName(event.target.value)}
        problem={create.error?.message}
        placeholder="Handbook"
        maxLength={200}
        autoComplete="off"
        autoFocus
      />
      <DialogActions>
        <Button onClick={onDone}>Close</Button>
        <Button look="primary" type="submit" disabled={name.trim() === '' || create.isPending}>
          Create project
        </Button>
      </DialogActions>
    </form>
  )
}
