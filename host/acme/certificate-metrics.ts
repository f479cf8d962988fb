import type { MetricFamily } from '../observe/metrics.ts'
import type { AutoCertificates } from './auto-certificates.ts'
import { validityOf } from './managed-domain.ts'

/** What Prometheus sees of the certificates of a manager: whoever watches it hears of a renewal that fails. */
export function certificateMetrics(certificates: AutoCertificates): MetricFamily {
  return {
    name: 'penstock_certificate_expiry_timestamp_seconds',
    help: 'When the certificate of a domain of the AutoCertManager ends, in seconds since 1970.',
    type: 'gauge',
    collect: () =>
      [...certificates.pairs].map(([domain, { cert }]) => ({
        labels: { domain },
        value: validityOf(cert).untilMs / 1_000,
      })),
  }
}
