// What a program that embeds a gateway imports: `import { createGateway } from '@penstock/gateway'`.
export { ConfigError, type ConfigIssue, formatIssue } from './config/issues.ts'
export { type ErrorCode, GatewayError, isGatewayError } from './errors.ts'
export { createGateway, type Gateway, type GatewayOptions } from './gateway.ts'
export { createLogger, type Logger } from './observe/log.ts'
export { AccessLog } from './traffic/access-log.ts'
export {
  type BytesHostCall,
  defineHostCall,
  type HostCall,
  type HostCallContext,
  type JsonHostCall,
  type TextHostCall,
} from './wasm/host-call.ts'
