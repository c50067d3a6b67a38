/**
 * Who may import whom. Ground first: a unit stands on those it names and on nothing else. The words for it are in
 * docs/lifecycle.md; a new package, app or floor needs its line here before it may be used.
 */
export interface Unit {
  name: string
  /** Where its files stand; the first unit that fits a path has it. A last `/` means the folder. */
  paths: readonly string[]
  /** Units its files may import. */
  imports: readonly string[]
  /** Runs in browsers: nothing of Node's own. */
  browser?: boolean
}

export interface Floor {
  name: string
  /** Floors its files may import, besides itself. */
  imports: readonly string[]
}

export interface LayerRules {
  units: readonly Unit[]
  /** The folder the floors stand in; every folder in it must be one of them. */
  floorsIn: string
  floors: readonly Floor[]
  /** What holds the floors together: the files of `floorsIn` itself. They may import every floor, no floor them. */
  roof: readonly string[]
  /** Edges that no later rearranging of the lists above may allow. Units or floors by name. */
  forbidden: readonly { from: string; to: string; why: string }[]
  /** An app's files that go to the browser: relative to the app's folder. */
  browserFiles: RegExp
  /** What those may import of this repository, besides one another. */
  browserImports: readonly string[]
  /** Single files that others may import across units, although the units themselves may not. */
  doors: readonly { from: string; to: string; why: string }[]
  /** Files that prove or show things with the test world: they may cross floors. */
  proof: RegExp
  /** What those may import besides what their unit may. */
  proofImports: readonly string[]
  /** Files that may read `process.env`, and files that may use `console`. */
  environment: RegExp
  console: RegExp
}

const APPS_STAND_ON = ['protocol', 'server', 'client', 'react', 'ui']

export const RULES: LayerRules = {
  units: [
    { name: 'protocol', paths: ['packages/protocol/'], imports: [], browser: true },
    { name: 'server', paths: ['packages/server/'], imports: ['protocol'] },
    { name: 'client', paths: ['packages/client/'], imports: ['protocol'], browser: true },
    { name: 'react', paths: ['packages/react/'], imports: ['protocol', 'client'], browser: true },
    { name: 'testing', paths: ['packages/testing/'], imports: ['protocol', 'server', 'client'] },
    // The design system: the page's shell and every app's panel are built of it.
    { name: 'ui', paths: ['packages/ui/'], imports: ['protocol', 'client', 'react'], browser: true },
    { name: 'ingest', paths: ['apps/ingest/'], imports: APPS_STAND_ON },
    {
      name: 'dashboard',
      paths: ['apps/dashboard/'],
      imports: ['protocol', 'client', 'react', 'ui', 'ingest'],
    },
    { name: 'host', paths: ['apps/host/'], imports: ['protocol', 'server', 'client', 'ingest'] },
    {
      name: 'scripts',
      paths: ['scripts/', 'vitest.config.ts'],
      imports: ['protocol', 'server', 'ingest', 'dashboard', 'host'],
    },
    {
      name: 'bench',
      paths: ['bench/'],
      imports: ['protocol', 'server', 'client', 'testing', 'ingest', 'host', 'scripts'],
    },
  ],
  floorsIn: 'packages/server/src/',
  floors: [
    { name: 'db', imports: [] },
    { name: 'log', imports: ['db'] },
    { name: 'hub', imports: ['db'] },
    { name: 'runs', imports: ['db', 'log'] },
    { name: 'attention', imports: ['db', 'log', 'runs'] },
    { name: 'transport', imports: ['db', 'log', 'hub'] },
    { name: 'plugins', imports: ['db', 'log', 'hub', 'runs', 'attention', 'transport'] },
  ],
  roof: ['create-server.ts', 'kernel.ts', 'http-server.ts', 'define-app.ts', 'ids.ts', 'index.ts'],
  forbidden: [
    { from: 'hub', to: 'log', why: 'the hub wakes readers, whoever keeps the events' },
    { from: 'log', to: 'hub', why: 'the log keeps events, whoever listens' },
    { from: 'runs', to: 'attention', why: 'work does not know who is told of it' },
    { from: 'transport', to: 'runs', why: 'a transport carries streams, whatever writes them' },
  ],
  browserFiles: /^(streams|client|view)\.ts$|^panel\.tsx$|^panel\//,
  browserImports: ['protocol', 'client', 'react', 'ui'],
  doors: [
    { from: 'apps/host/', to: 'scripts/build-page.ts', why: 'the host builds a page that is stale' },
    {
      from: 'apps/dashboard/browser/test-support/',
      to: 'scripts/build-page.ts',
      why: 'a server of the browser tests does so too',
    },
  ],
  // The pictures of the documents are taken of the server the browser tests run; chaos is a test that goes on for long.
  proof:
    /^scripts\/(screenshots|chaos)|^vitest\.config\.ts$|\.test\.tsx?$|\.contract\.ts$|\/fixtures(\/|\.ts$)|\/test-support(\/|\.ts$)/,
  proofImports: ['testing', 'bench'],
  environment:
    /^apps\/host\/|^scripts\/|^bench\/|^vitest\.config\.ts$|\/vite\.config\.ts$|\/parser\/parser-process\.ts$/,
  console: /^scripts\/|^bench\//,
}
