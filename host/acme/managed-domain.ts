import { X509Certificate } from 'node:crypto'
import type { CertificatePair } from '../http/tls/certificate.ts'

/** When a certificate is valid, in milliseconds since 1970. */
export interface Validity {
  readonly fromMs: number
  readonly untilMs: number
}

/** The times of the first certificate in `pem`, which has been checked. */
export function validityOf(pem: string): Validity {
  const { validFrom, validTo } = new X509Certificate(pem)
  return { fromMs: Date.parse(validFrom), untilMs: Date.parse(validTo) }
}

/** What the API shows of a domain; `name` and `expireTime` as in Easegress. Times are RFC 3339, or null. */
export interface DomainStatus {
  readonly name: string
  readonly expireTime: string | null
  /** When it is renewed, or ordered, or that is tried again. */
  readonly nextTryTime: string | null
  /** Why the last order failed; null when it did not. */
  readonly error: string | null
}

/** One domain of the manager: its certificate, and what has to be done when. */
export class ManagedDomain {
  readonly name: string
  pair: CertificatePair | null = null
  validity: Validity | null = null
  /** When the next order is due; past for one that is waited for. */
  dueMs = 0
  /** Orders that failed since the last that did not. */
  failures = 0
  error: string | null = null

  constructor(name: string) {
    this.name = name
  }

  isValid(nowMs: number): boolean {
    return this.validity !== null && nowMs < this.validity.untilMs
  }

  status(): DomainStatus {
    return {
      name: this.name,
      expireTime: this.validity === null ? null : timeText(this.validity.untilMs),
      nextTryTime: this.dueMs === 0 ? null : timeText(this.dueMs),
      error: this.error,
    }
  }
}

/** RFC 3339, to the second. */
export function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}
