import { Body } from './body.ts'
import * as ctx from './context.ts'
import { Filter } from './filter.ts'
import { Headers } from './headers.ts'
import * as log from './log.ts'
import * as parameters from './parameters.ts'
import { refuse } from './problems.ts'
import { Request } from './request.ts'
import { Response } from './response.ts'
import { next, Reply, Result, reply, result } from './result.ts'
import { Text } from './text.ts'
import { now } from './time.ts'

export {
  Body,
  ctx,
  Filter,
  Headers,
  log,
  next,
  now,
  parameters,
  Reply,
  Request,
  Response,
  Result,
  refuse,
  reply,
  result,
  Text,
}
