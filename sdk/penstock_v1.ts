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
