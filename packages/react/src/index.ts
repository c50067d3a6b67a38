export { StreamProvider, useStreamClient } from './stream-provider.ts'
export { useConnection } from './use-connection.ts'
export {
  type ReadableStreamDefinition,
  type UseStream,
  type UseStreamOptions,
  useStream,
} from './use-stream.ts'
