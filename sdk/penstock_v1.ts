// biome-ignore-all lint/style/useFilenamingConvention: the file's name is the name of the import module

/*
 * The host calls, as ABI.md describes them: pointers and lengths in bytes, a negative return value is
 * an error. They are the byte-level interface, for filters that count nanoseconds:
 *
 *     import { header_get, header_id } from '@penstock/sdk/penstock_v1'
 *
 *     const NAME = String.UTF8.encode('authorization')
 *     const AUTHORIZATION = header_id(changetype<usize>(NAME), NAME.byteLength)
 *     const BUFFER = heap.alloc(1024)
 *     const length = header_get(0, AUTHORIZATION, BUFFER, 1024)
 */

/** A field of the request (`METHOD` 0 … `PROTOCOL` 8) into `buf`; returns its full length. */
export declare function field_get(field: i32, buf: usize, cap: i32): i32
/** Changes the method, the path or the query. */
export declare function field_set(field: i32, ptr: usize, len: i32): i32
/** The response's status. */
export declare function status_get(): i32
/** Changes the response's status. */
export declare function status_set(status: i32): i32
/** The number that stands for a header name, the same for the life of the instance below 256. */
export declare function header_id(ptr: usize, len: i32): i32
/** The first value of a header into `buf`; returns its full length. */
export declare function header_get(message: i32, id: i32, buf: usize, cap: i32): i32
/** How many fields have this name. */
export declare function header_count(message: i32, id: i32): i32
/** The index-th value of a header into `buf`, from 0; returns its full length. */
export declare function header_get_at(message: i32, id: i32, index: i32, buf: usize, cap: i32): i32
/** Every field's name, each followed by one NUL byte; returns the full length. */
export declare function header_names(message: i32, buf: usize, cap: i32): i32
/** Exactly one field with this value. */
export declare function header_set(message: i32, id: i32, ptr: usize, len: i32): i32
/** One more field. */
export declare function header_add(message: i32, id: i32, ptr: usize, len: i32): i32
/** No field of this name. */
export declare function header_remove(message: i32, id: i32): i32
/** Bytes of the body, or `ABSENT` when the filter did not ask for it. */
export declare function body_size(message: i32): i32
/** Copies up to `cap` bytes from `offset`; returns how many. */
export declare function body_get(message: i32, offset: i32, buf: usize, cap: i32): i32
/** Replaces the whole body. */
export declare function body_set(message: i32, ptr: usize, len: i32): i32
/** Answers the request with this status and body. */
export declare function reply(status: i32, ptr: usize, len: i32): i32
/** Per-request data into `buf`; returns its full length. */
export declare function ctx_get(key: usize, keyLength: i32, buf: usize, cap: i32): i32
/** Keeps per-request data in the host. */
export declare function ctx_put(key: usize, keyLength: i32, ptr: usize, len: i32): i32
/** A parameter of the filter into `buf`; returns its full length. */
export declare function param_get(key: usize, keyLength: i32, buf: usize, cap: i32): i32
/** A line for the gateway's log. */
export declare function log(level: i32, ptr: usize, len: i32): void
/** Milliseconds since 1970. */
export declare function now(): f64
/** A note for the access log. */
export declare function tag(ptr: usize, len: i32): i32
/** The value of a key into `buf`; returns its full length. */
export declare function kv_get(key: usize, keyLength: i32, buf: usize, cap: i32): i32
/** Writes a value; `ttl` is its life in milliseconds, 0 for no end. */
export declare function kv_put(key: usize, keyLength: i32, ptr: usize, len: i32, ttl: f64): i32
/** Deletes a key; 1 when there was one. */
export declare function kv_delete(key: usize, keyLength: i32): i32
/** Writes when `expected` is what is there (a length of -1: nothing); 1 when it did. */
export declare function kv_cas(
  key: usize,
  keyLength: i32,
  expected: usize,
  expectedLength: i32,
  ptr: usize,
  len: i32,
  ttl: f64,
): i32
/** Adds to an integer, the sum to `out` (8 bytes); `ttl` counts when this makes the key. */
export declare function kv_add(key: usize, keyLength: i32, delta: i64, ttl: f64, out: usize): i32
/** The same for a number with a fraction. */
export declare function kv_add_float(
  key: usize,
  keyLength: i32,
  delta: f64,
  ttl: f64,
  out: usize,
): i32
/** How many keys begin with this. */
export declare function kv_count(prefix: usize, prefixLength: i32): i32
/** What the filter can use, as bits: ABI.md lists them. */
export declare function features(): i32
/** Fills `len` bytes with random ones. */
export declare function random_fill(buf: usize, len: i32): i32
/** A secret into `buf`; returns its full length. */
export declare function secret_get(name: usize, nameLength: i32, buf: usize, cap: i32): i32
/** The number of a metric (counter 0, gauge 1, histogram 2 with `count` bounds). */
export declare function metric_define(
  kind: i32,
  name: usize,
  nameLength: i32,
  bounds: usize,
  count: i32,
): i32
/** Adds to a counter or a gauge. */
export declare function metric_add(id: i32, value: f64): i32
/** Sets a gauge, or gives a histogram one more value. */
export declare function metric_record(id: i32, value: f64): i32
/** 0 when there is a key of this name to verify tokens with, else `ABSENT`. */
export declare function jwt_key(name: usize, nameLength: i32): i32
/** What the host makes of a token with that key: 0 good, above the reason; `leeway` is in seconds. */
export declare function jwt_verify(
  name: usize,
  nameLength: i32,
  ptr: usize,
  len: i32,
  leeway: i32,
): i32
/** Calls another service and waits for its answer; returns its status. */
export declare function http_call(
  head: usize,
  headLength: i32,
  body: usize,
  bodyLength: i32,
  timeout: f64,
): i32
/** Header fields of the last answer, or the reason there is none; returns the full length. */
export declare function answer_head(buf: usize, cap: i32): i32
/** Bytes of the body of the last answer. */
export declare function answer_size(): i32
/** Copies up to `cap` bytes of it from `offset`; returns how many. */
export declare function answer_get(offset: i32, buf: usize, cap: i32): i32
