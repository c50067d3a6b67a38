import type { Broker } from './broker.ts'
import { type Heard, LineBroker, type LineBrokerOptions, type SessionHandlers, type Wire } from './line-broker.ts'
import type { Parcel } from './outgoing.ts'
import {
  COMMANDS_CHANNEL,
  channelOf,
  commandHeard,
  commandNotification,
  signalNotifications,
  signalsHeard,
} from './postgres-notifications.ts'
import { PostgresSession } from './postgres-session.ts'

export interface PostgresBrokerOptions extends LineBrokerOptions {
  connectionString: string
}

/**
 * Word between nodes by NOTIFY of the database they share, over one connection of its own: LISTEN for the channels of
 * the streams read here, and one query for all that there is to tell while the last one was under way. Signals come
 * without events. Other programs speak on the same channels, through the log's SQL functions.
 */
export function openPostgresBroker(options: PostgresBrokerOptions): Broker {
  return new LineBroker(new PostgresWire(options), options)
}

class PostgresWire implements Wire<PostgresSession> {
  readonly commandsChannel = COMMANDS_CHANNEL
  readonly textPerStream = 0
  readonly channelOf = channelOf
  readonly spillOf = channelOf
  readonly #options: PostgresBrokerOptions

  constructor(options: PostgresBrokerOptions) {
    this.#options = options
  }

  open(handlers: SessionHandlers): Promise<PostgresSession> {
    return PostgresSession.open({ connectionString: this.#options.connectionString, ...handlers })
  }

  send(session: PostgresSession, { signals, spilled, commands }: Parcel): Promise<unknown> {
    const { nodeId, onError } = this.#options
    const notifications = signalNotifications(nodeId, signals, spilled)
    for (const command of commands) {
      const notification = commandNotification(nodeId, command)
      if (notification) notifications.push(notification)
      else onError(new Error(`a command ${command.type} is too long to be sent`))
    }
    return session.notify(notifications)
  }

  read(channel: string, message: string): Heard {
    const { nodeId } = this.#options
    if (channel === COMMANDS_CHANNEL) {
      const command = commandHeard(nodeId, message)
      if (command === 'own') return { type: 'own' }
      return command === null ? { type: 'nonsense' } : { type: 'command', command }
    }
    const heard = signalsHeard(nodeId, message)
    return heard ? { type: 'signals', ...heard } : { type: 'nonsense' }
  }
}
