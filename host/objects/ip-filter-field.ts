import { z } from '../config/schema.ts'
import { isAddressRange } from '../traffic/ip-filter.ts'

/** Addresses and ranges of addresses. */
export function ranges(what: string) {
  return z
    .array(
      z.string().refine(isAddressRange, 'is neither an IP address nor a range such as 10.0.0.0/8'),
    )
    .default([])
    .describe(what)
}

/** Which clients get through, by the address of their connection. */
export function ipFilterField() {
  return z.strictObject({
    blockByDefault: z
      .boolean()
      .default(false)
      .describe('Refuse addresses that are in both lists or, without `allowIPs`, in none.'),
    allowIPs: ranges('Addresses and ranges that get through; when there are any, no others do.'),
    blockIPs: ranges('Addresses and ranges that are refused.'),
  })
}
