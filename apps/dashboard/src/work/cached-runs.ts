import type { Paged, RunDetails, RunSummary } from '@holdfast/protocol/runs'
import type { InfiniteData, QueryClient } from '@tanstack/react-query'
import { workKeys } from './queries.ts'

export type RunPages = InfiniteData<Paged<RunSummary>>

/** Rows with newer ones in their places; a row that is older than what is known is left. */
export function withRuns(pages: RunPages, runs: ReadonlyMap<string, RunSummary>): RunPages {
  let isChanged = false
  const replaced = pages.pages.map((page) => {
    const items = page.items.map((known) => {
      const run = runs.get(known.id)
      if (run === undefined || run.revision < known.revision) return known
      isChanged = true
      return run
    })
    return { ...page, items }
  })
  return isChanged ? { ...pages, pages: replaced } : pages
}

/** Takes what an answer said of a run into everything that shows it: lists and pages never say different things of it. */
export function takeRuns(queries: QueryClient, runs: readonly RunSummary[]): void {
  const byId = new Map(runs.map((run) => [run.id, run]))
  queries.setQueriesData<RunPages>({ queryKey: workKeys.lists }, (pages) => pages && withRuns(pages, byId))
  for (const run of runs) {
    queries.setQueryData<RunDetails>(workKeys.facts(run.id), (known) =>
      known && run.revision >= known.revision ? { ...known, ...run } : known,
    )
  }
}
