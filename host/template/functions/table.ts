import { BUILTINS } from './builtins.ts'
import { DATE_FUNCTIONS } from './dates.ts'
import type { TemplateFunction } from './define.ts'
import { DICT_FUNCTIONS } from './dicts.ts'
import { EASEGRESS_FUNCTIONS } from './easegress.ts'
import { ENCODING_FUNCTIONS } from './encoding.ts'
import { LIST_FUNCTIONS } from './lists.ts'
import { LOGIC_FUNCTIONS } from './logic.ts'
import { NUMBER_FUNCTIONS } from './numbers.ts'
import { RANDOM_FUNCTIONS } from './random.ts'
import { REGEX_FUNCTIONS } from './regex.ts'
import { STRING_FUNCTIONS } from './strings.ts'
import { URL_FUNCTIONS } from './urls.ts'

/** Every function a template may call, by name. */
export const FUNCTIONS: ReadonlyMap<string, TemplateFunction> = new Map(
  Object.entries({
    ...BUILTINS,
    ...STRING_FUNCTIONS,
    ...NUMBER_FUNCTIONS,
    ...LIST_FUNCTIONS,
    ...DICT_FUNCTIONS,
    ...LOGIC_FUNCTIONS,
    ...ENCODING_FUNCTIONS,
    ...REGEX_FUNCTIONS,
    ...DATE_FUNCTIONS,
    ...URL_FUNCTIONS,
    ...RANDOM_FUNCTIONS,
    ...EASEGRESS_FUNCTIONS,
  }),
)

/** Functions of sprig that are left out, and what to do instead. */
export const REFUSED_FUNCTIONS: ReadonlyMap<string, string> = new Map([
  ['env', 'a template does not read the environment: write ${env:NAME} in the configuration'],
  ['expandenv', 'a template does not read the environment: write ${env:NAME} in the configuration'],
  ['getHostByName', 'a template does not ask name servers: it would hold every request up'],
  ['call', 'there are no values that can be called'],
])
