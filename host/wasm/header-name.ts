import { type FieldName, newFieldName } from '../exchange/field-name.ts'
import { HOST_OWNED_HEADERS } from '../exchange/field-rules.ts'
import { allowsHeader, type Grant, LOCAL_GRANT } from './grant/grant.ts'

/** A header name a guest has interned. */
export interface HeaderName extends FieldName {
  /** The guest's number for it; -1 in an ABI without such numbers. */
  readonly id: number
  /** It belongs to the host: a guest can read it and not write it. */
  readonly isOwned: boolean
  /** The grant lets the guest read it. */
  readonly canRead: boolean
  /** The grant lets the guest write it; never so for what belongs to the host. */
  readonly canWrite: boolean
  /** What the guest has set last: often what it sets next. */
  lastValue: string
  /** What was last found to be a valid value. */
  lastValid: string
}

/** What a guest's header name is made of; the caller has checked that it is a token. */
export function headerName(name: string, grant: Grant = LOCAL_GRANT, id = -1): HeaderName {
  const lower = name.toLowerCase()
  const isOwned = HOST_OWNED_HEADERS.has(lower)
  return {
    ...newFieldName(name, lower),
    id,
    isOwned,
    canRead: allowsHeader(grant.read, lower),
    canWrite: !isOwned && allowsHeader(grant.write, lower),
    lastValue: '',
    lastValid: '',
  }
}
