import { byteLength, encodeUtf8 } from './buffer.ts'
import { log } from './penstock_v1.ts'

/*
 * Lines in the gateway's log, with the filter's name and the request's id. Longer ones are cut at 8 KiB.
 */

/**
 * For the author of the filter; usually not shown.
 *
 *     log.debug(`cache miss for ${request.path}`)
 */
export function debug(message: string): void {
  write(0, message)
}

/**
 * What an operator may want to know.
 *
 *     log.info('started')
 */
export function info(message: string): void {
  write(1, message)
}

/**
 * What an operator should look at.
 *
 *     log.warn(`unknown key from ${request.clientAddress}`)
 */
export function warn(message: string): void {
  write(2, message)
}

/**
 * What went wrong.
 *
 *     log.error('the key list is empty')
 */
export function error(message: string): void {
  write(3, message)
}

function write(level: i32, message: string): void {
  const bytes = encodeUtf8(message)
  log(level, bytes, byteLength)
}
