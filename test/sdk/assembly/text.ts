import { Filter, Request, Text } from '@penstock/sdk'

/** Runs every method of Text on the value of `x-text` and puts what comes out into headers. */
export class TextMethods extends Filter {
  onRequest(request: Request): void {
    const text = request.headers.get('x-text')
    if (text === null) return
    let line = ''
    line += `length ${text.length};`
    line += `byteAt ${text.byteAt(0)} ${text.byteAt(-1)} ${text.byteAt(1000)};`
    line += `equals ${text.equals('Hello, World')} ${text.equals(Text.of('Hello, World'))} ${text.equals('Hello')} ${text.equals('hello, world')};`
    line += `ignoreCase ${text.equalsIgnoreCase('hELLO, wORLD')} ${text.equalsIgnoreCase(Text.of('hello, worlx'))};`
    line += `startsWith ${text.startsWith('Hello')} ${text.startsWith('World')} ${text.startsWith('World', 7)} ${text.startsWith(Text.of('Hello, World!'))};`
    line += `endsWith ${text.endsWith('World')} ${text.endsWith('Hello')} ${text.endsWith('a longer text than that')};`
    line += `includes ${text.includes('lo, W')} ${text.includes('xyz')} ${text.includes('')};`
    line += `indexOf ${text.indexOf('o')} ${text.indexOf('o', 5)} ${text.indexOf(Text.of('o'), 9)} ${text.indexOf('', 99)};`
    line += `lastIndexOf ${text.lastIndexOf('o')} ${text.lastIndexOf('q')};`
    line += `slice ${text.slice(7)} ${text.slice(-5, -3)} ${text.slice(3, 1)}${text.slice(99)} ${text.slice(0, 99)};`
    line += `trim "${Text.of(' \t a b\r\n').trim()}" "${Text.of('  ').trim()}";`
    line += `split ${join(text.split(','))} ${join(text.split('l', 2))} ${join(text.split(''))} ${join(text.split('q'))} ${text.split(',', 0).length};`
    line += `concat ${text.concat('!').concat(Text.of('?'))};`
    line += `replaceAll ${text.replaceAll('l', 'LL')} ${text.replaceAll('World', Text.of(''))} ${text.replaceAll('', 'x')} ${Text.of('aaa').replaceAll('aa', 'b')};`
    line += `case ${text.toLowerCase()};`
    line += `integer ${Text.of('-42').toInteger()} ${Text.of('4x').toInteger(-1)} ${Text.of('').toInteger(7)} ${Text.of('999999999999999999').toInteger()} ${Text.of('9999999999999999999').toInteger(-1)};`
    line += `bytes ${Text.from(text.toBytes().subarray(0, 2))};`
    line += `utf8 ${Text.utf8('ü').length} ${Text.utf8('ü').toUtf8() == 'ü'} ${Text.of('ü').length}`
    request.headers.set('x-out', line)
    const bytes = request.headers.get('x-bytes')
    if (bytes !== null) {
      request.headers.set('x-same', bytes)
      request.headers.set('x-string', bytes.toString())
      request.headers.set('x-lower', bytes.toLowerCase())
    }
  }
}

function join(parts: Text[]): string {
  let text = ''
  for (let i = 0; i < parts.length; i++) text += `[${parts[i]}]`
  return text
}
