import { randomBytes } from 'node:crypto'
import { isJsonObject, type JsonObject } from '../config/json.ts'
import { builtText } from './built-message.ts'
import { refuseBuilt } from './template-builder.ts'

/** The body of a form with its content type (RFC 7578): a field each, and files where `fileName` is set. */
export function buildFormData(form: JsonObject): { contentType: string; body: Buffer } {
  const boundary = `penstock-${randomBytes(18).toString('hex')}`
  const parts: string[] = []
  for (const [name, field] of Object.entries(form)) {
    if (!isJsonObject(field))
      throw refuseBuilt(`the form field "${name}" must be a map with \`value\``)
    const fileName = builtText(field, 'fileName')
    const file = fileName === '' ? '' : `; filename="${escapeName(fileName)}"`
    const type = fileName === '' ? '' : 'Content-Type: application/octet-stream\r\n'
    parts.push(
      `--${boundary}\r\nContent-Disposition: form-data; name="${escapeName(name)}"${file}\r\n${type}\r\n${builtText(field, 'value')}\r\n`,
    )
  }
  const body = Buffer.from(`${parts.join('')}--${boundary}--\r\n`, 'utf8')
  return { contentType: `multipart/form-data; boundary=${boundary}`, body }
}

/** A name stands in quotes in a header line. */
function escapeName(name: string): string {
  return name.replace(/["\r\n\\]/g, (sign) => encodeURIComponent(sign))
}
