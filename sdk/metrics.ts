import { byteLength, encodeLatin1 } from './buffer.ts'
import { DENIED, INVALID, refused } from './host-error.ts'
import { metric_add, metric_define, metric_record } from './penstock_v1.ts'

/*
 * Metrics of the filter in the gateway's /metrics, as `penstock_plugin_custom_NAME` with the labels
 * pipeline, filter and plugin. Make them in field initializers. Names are lower case letters, digits and
 * single `_`, at most 64 characters; a filter has at most 64 metrics. What a phase counts is counted when
 * it has returned: one that fails counts nothing. Without the right to metrics they do nothing.
 */

/** Something that only grows, from 0. Its name in /metrics ends in `_total`. */
@final
export class Counter {
  private id: i32

  /**
   * The same name is the same counter.
   *
   *     private logins: Counter = new Counter('logins')
   */
  constructor(name: string) {
    this.id = define(0, name, null)
  }

  /**
   * Adds 1, or what is given: 0 or more.
   *
   *     this.logins.add()
   */
  add(amount: f64 = 1): void {
    check(metric_add(this.id, amount), this.id)
  }
}

/** Something that goes up and down. */
@final
export class Gauge {
  private id: i32

  /**
   * The same name is the same gauge.
   *
   *     private queue: Gauge = new Gauge('queue_length')
   */
  constructor(name: string) {
    this.id = define(1, name, null)
  }

  /** What it is now: of all requests the last word counts. */
  set(value: f64): void {
    check(metric_record(this.id, value), this.id)
  }

  /** Up, or down when it is negative. */
  add(amount: f64): void {
    check(metric_add(this.id, amount), this.id)
  }
}

/** How values are spread, for instance sizes or times in seconds. */
@final
export class Histogram {
  private id: i32

  /**
   * The upper bounds of its buckets rise, 24 of them at most; without them, 13 from 0.001 to 10.
   *
   *     private sizes: Histogram = new Histogram('order_bytes', [100, 1000, 10000])
   */
  constructor(name: string, buckets: f64[] | null = null) {
    this.id = define(2, name, buckets)
  }

  /**
   * One more value.
   *
   *     this.sizes.observe(body.length)
   */
  observe(value: f64): void {
    check(metric_record(this.id, value), this.id)
  }
}

function define(kind: i32, name: string, buckets: f64[] | null): i32 {
  let bounds: usize = 0
  let count: i32 = 0
  if (buckets !== null) {
    bounds = buckets.dataStart
    count = buckets.length
  }
  const bytes = encodeLatin1(name)
  const id = metric_define(kind, bytes, byteLength, bounds, count)
  if (id == INVALID) {
    throw new Error(
      `metric "${name}": the name, the buckets, or a second definition of another kind`,
    )
  }
  if (id < 0 && id != DENIED) refused(id, `metric "${name}"`)
  return id
}

function check(code: i32, id: i32): void {
  if (code == INVALID && id >= 0) throw new Error('metric: the value is not finite, or less than 0')
  if (code < 0 && code != DENIED && id >= 0) refused(code, 'metric')
}
