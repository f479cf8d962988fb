import { z } from '../config/schema.ts'
import { reasonOf } from '../errors.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import { fallbackResponse } from '../exchange/fallback-response.ts'
import type { FilterEnv } from './env.ts'
import { defineFilter, type Filter } from './filter.ts'
import { replaceResponse } from './replace-message.ts'
import { Signer } from './signature/signer.ts'
import { signerFields } from './signature/signer-spec.ts'
import { BasicAuth, basicAuthField } from './validator/basic-auth.ts'
import { HeaderCheck, headerRules } from './validator/header-check.ts'
import { createJwtCheck, createOauth2Check, type TokenCheck } from './validator/token-checks.ts'
import { jwtField, oauth2Field } from './validator/token-fields.ts'

const spec = z
  .strictObject({
    headers: headerRules().optional(),
    jwt: jwtField().optional(),
    signature: z
      .strictObject(signerFields())
      .refine(
        ({ accessKeys }) => Object.keys(accessKeys).length > 0,
        'needs `accessKeys`, or no signature is ever right',
      )
      .optional()
      .describe('A valid signature in the shape of AWS Signature Version 4; else 401.'),
    oauth2: oauth2Field().optional(),
    basicAuth: basicAuthField().optional(),
  })
  .superRefine((checked, context) => {
    if (Object.values(checked).some((part) => part !== undefined)) return
    const message =
      'a Validator needs one of `headers`, `jwt`, `signature`, `oauth2` and `basicAuth`'
    context.addIssue({ code: 'custom', message })
  })

type Spec = z.output<typeof spec>

/** Lets only requests go on that pass every check it has. */
export const validator = defineFilter({
  kind: 'Validator',
  description:
    'Lets a request go on when it passes every check that is configured: 400 for headers, 401 for the others.',
  results: ['invalid'],
  example: `name: key
kind: Validator
headers:
  X-Api-Key: { values: [alpha, beta] }
jwt:
  algorithm: HS256
  secret: 6d79736563726574
  cookieName: session`,
  notes: [
    '`jwt` also has `jwksUrl`, `issuer` and `audience`.',
    'A file of users may hold bcrypt, `{SHA}` and `$apr1$` hashes. Plain passwords and crypt are refused when it is read.',
    'The modes ETCD and LDAP come later.',
    '`signature.ttl` is 15 minutes when nothing is said, so that a request that somebody has overheard cannot be sent again for ever; Easegress has no limit then. `0` is none here too.',
    'A body that streams is part of the signature too, unless `excludeBody` says otherwise; Easegress leaves it out.',
  ],
  spec,
  async create(checked, env) {
    const basicAuth =
      checked.basicAuth === undefined ? null : await BasicAuth.open(checked.basicAuth, env)
    return new Validator(checked, basicAuth, env)
  },
})

class Validator implements Filter<'invalid'> {
  readonly files: readonly string[]
  readonly #headers: HeaderCheck | null
  readonly #jwt: TokenCheck | null
  readonly #signer: Signer | null
  readonly #oauth2: TokenCheck | null
  readonly #basicAuth: BasicAuth | null
  readonly #name: string
  #passed = 0
  #refused = 0

  constructor(checked: Spec, basicAuth: BasicAuth | null, env: FilterEnv) {
    this.#name = env.filter
    this.#headers = checked.headers === undefined ? null : new HeaderCheck(checked.headers)
    this.#jwt = checked.jwt === undefined ? null : createJwtCheck(checked.jwt, env)
    this.#signer = checked.signature === undefined ? null : new Signer(checked.signature)
    this.#oauth2 = checked.oauth2 === undefined ? null : createOauth2Check(checked.oauth2, env)
    this.#basicAuth = basicAuth
    this.files = basicAuth?.files ?? []
  }

  handle(scope: MessageScope): 'invalid' | undefined | Promise<'invalid' | undefined> {
    const wrong = this.#headers?.check(scope.request.headers) ?? null
    if (wrong !== null) return this.#refuse(scope, 400, 'headers', wrong)
    if (this.#jwt ?? this.#signer ?? this.#oauth2 ?? this.#basicAuth)
      return this.#authenticate(scope)
    this.#passed += 1
    return undefined
  }

  status(): unknown {
    return { passed: this.#passed, refused: this.#refused }
  }

  close(): void {
    this.#jwt?.close()
    this.#oauth2?.close()
  }

  async #authenticate(scope: MessageScope): Promise<'invalid' | undefined> {
    const { request, exchange } = scope
    const badToken = (await this.#jwt?.check(request, exchange)) ?? null
    if (badToken !== null) return this.#refuse(scope, 401, 'jwt', badToken, 'Bearer')
    const badSignature = await this.#checkSignature(scope)
    if (badSignature !== null) return this.#refuse(scope, 401, 'signature', badSignature)
    const badAccess = (await this.#oauth2?.check(request, exchange)) ?? null
    if (badAccess !== null) return this.#refuse(scope, 401, 'oauth2', badAccess, 'Bearer')
    const user = (await this.#basicAuth?.check(request)) ?? null
    if (typeof user === 'string') {
      return this.#refuse(scope, 401, 'basicAuth', user, `Basic realm="${this.#name}"`)
    }
    if (user !== null) request.headers.set('X-AUTH-USER', headerText(user.user))
    this.#passed += 1
    return undefined
  }

  async #checkSignature({ request }: MessageScope): Promise<string | null> {
    if (this.#signer === null) return null
    try {
      const body = this.#signer.needsBody ? await request.body.collect() : null
      return this.#signer.verify(request, body, Date.now())
    } catch (error) {
      return reasonOf(error)
    }
  }

  /** The client learns the status, the access log the reason. */
  #refuse(
    scope: MessageScope,
    status: number,
    check: string,
    reason: string,
    challenge?: string,
  ): 'invalid' {
    this.#refused += 1
    scope.exchange.tag(`${this.#name}: ${check}: ${reason}`)
    const response = fallbackResponse(scope.exchange, status)
    if (challenge !== undefined) response.headers.set('WWW-Authenticate', challenge)
    replaceResponse(scope, response)
    return 'invalid'
  }
}

/** Users may have any letters; a field is bytes. */
function headerText(text: string): string {
  return Buffer.from(text, 'utf8')
    .toString('latin1')
    .replace(/[\x00-\x1f\x7f]/g, '')
}
