import { parseYamlText } from '../../../config/document.ts'
import { isJsonObject, type JsonObject } from '../../../config/json.ts'
import type { InstanceRecord } from '../instance.ts'

/** Bytes of one instance in a registry that keeps them as values. */
export const MAX_STORED_INSTANCE_BYTES = 64 * 1024

/**
 * The fields of an instance as Easegress stores it in etcd and ZooKeeper: a JSON object with `registryName`,
 * `serviceName`, `instanceID`, `address`, `port`, `scheme`, `tags` and `weight`. It writes JSON and reads
 * YAML too. Null when it is nothing of the kind.
 */
export function parseStored(value: Uint8Array): JsonObject | null {
  if (value.length > MAX_STORED_INSTANCE_BYTES) return null
  const text = Buffer.from(value).toString('utf8')
  const data = parseJson(text) ?? parseYaml(text)
  return isJsonObject(data) ? data : null
}

/** `id` is where the value stands in the registry. */
export function recordOf(id: string, stored: JsonObject | null): InstanceRecord {
  if (stored === null) {
    const problem = `it is no JSON or YAML object of at most ${MAX_STORED_INSTANCE_BYTES} bytes`
    return { id, address: null, port: null, problem }
  }
  const { address, port, scheme, tags, weight } = stored
  return { id, address, port, scheme, tags, weight }
}

/** JSON is what nearly all of them are, and is read a hundred times faster than YAML. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function parseYaml(text: string): unknown {
  try {
    return parseYamlText(text)
  } catch {
    return null
  }
}
