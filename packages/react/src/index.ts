export { type RunCommands, type RunRetried, runCommands } from './run-commands.ts'
export { StreamProvider, useStreamClient } from './stream-provider.ts'
export { useConnection } from './use-connection.ts'
export { type UseRun, useRun } from './use-run.ts'
export {
  type ReadableStreamDefinition,
  type UseStream,
  type UseStreamOptions,
  useStream,
} from './use-stream.ts'
