import { describeBroker } from './broker.contract.ts'
import { createInProcessBus } from './in-process-broker.ts'

describeBroker('in process', () => ({ ...createInProcessBus(), errors: [], [Symbol.asyncDispose]: async () => {} }))
