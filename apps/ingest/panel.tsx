import type { Panel } from '@holdfast/ui'
import { createRoute, redirect, useNavigate } from '@tanstack/react-router'
import { FolderTree } from 'lucide-react'
import { lazy } from 'react'
import { IngestFrame } from './panel/frame.tsx'
import { ProjectsPage } from './panel/projects-page.tsx'
import { useProjects } from './panel/queries.ts'

const loadProjectPage = () => import('./panel/project-page.tsx')
const loadSettings = () => import('./panel/watching/notification-settings.tsx')

/** What people see of ingestion: the list of projects and each project's page. */
export const ingestPanel: Panel = {
  navigation: [{ to: '/', label: 'Projects', icon: FolderTree, keys: 'g p', within: ['/projects/'] }],
  routes: (root) => [
    createRoute({ getParentRoute: () => root, path: '/', component: ProjectsPage }),
    createRoute({
      getParentRoute: () => root,
      path: '/projects',
      beforeLoad: () => {
        throw redirect({ to: '/' })
      },
    }),
    createRoute({
      getParentRoute: () => root,
      path: '/projects/$projectId',
      component: lazy(() => loadProjectPage().then(({ ProjectPage }) => ({ default: ProjectPage }))),
    }),
  ],
  Frame: IngestFrame,
  useCommands: useProjectCommands,
  parts: [loadProjectPage, loadSettings],
  settings: lazy(loadSettings),
}

function useProjectCommands() {
  const navigate = useNavigate()
  const { data } = useProjects({})
  const projects = data?.pages.flatMap((page) => page.items) ?? []
  return projects.map(({ id, name }) => ({
    id: `project-${id}`,
    label: name,
    group: 'Project',
    icon: FolderTree,
    run: () => void navigate({ to: '/projects/$projectId', params: { projectId: id } }),
  }))
}
