export { StreamProvider, useStreamClient } from './stream-provider.ts'
export { useConnection } from './use-connection.ts'
export { type UseStream, useStream } from './use-stream.ts'
