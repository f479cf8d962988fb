import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageVersion, programVersion } from '../support/machine.ts'
import { findProgram } from '../support/missing-tool.ts'
import { ALL_PROTOCOLS, type CertificateFiles, type Target } from '../support/target.ts'

/** Programs beside this file that start a package, and the package. */
const PACKAGES: Readonly<Record<string, string>> = { 'fastify-http-proxy': '@fastify/http-proxy' }

/** Peers that are programs of the system, and packages of Debian by the same name; left out where there are none. */
export const SYSTEM_PEERS: readonly string[] = ['caddy', 'nginx', 'haproxy']

/** Adding a peer is one more entry: how it is started, and how it is configured to do the same work. */
export const PEERS: readonly Target[] = [
  {
    name: 'fast-gateway',
    version: `${packageVersion('fast-gateway')} with ${packageVersion('fast-proxy-lite')}, keep-alive agent`,
    protocols: ['http'],
    command: (port, upstreamPort) => [
      process.execPath,
      join(import.meta.dirname, 'fast-gateway.ts'),
      String(port),
      String(upstreamPort),
    ],
  },
  ...['http-proxy-3', 'fastify-http-proxy'].map(scripted),
  ...installed('caddy', 'version', (path, port, upstreamPort, folder, certificate) => {
    const file = join(folder, 'Caddyfile')
    writeFileSync(file, caddyConfig(port, upstreamPort, certificate))
    return [path, 'run', '--config', file, '--adapter', 'caddyfile']
  }),
  ...installed('nginx', '-v', (path, port, upstreamPort, folder, certificate) => {
    const file = join(folder, 'nginx.conf')
    writeFileSync(file, nginxConfig(port, upstreamPort, folder, certificate))
    return [path, '-p', folder, '-c', file]
  }),
  ...installed('haproxy', '-v', (path, port, upstreamPort, folder, certificate) => {
    const file = join(folder, 'haproxy.cfg')
    writeFileSync(file, haproxyConfig(port, upstreamPort, pemOf(folder, certificate)))
    return [path, '-db', '-q', '-f', file]
  }),
]

function scripted(name: string): Target {
  return {
    name,
    version: `${packageVersion(PACKAGES[name] ?? name)}, connections to the upstream kept`,
    protocols: ['http'],
    command: (port, upstreamPort) => [
      process.execPath,
      join(import.meta.dirname, `${name}.ts`),
      String(port),
      String(upstreamPort),
    ],
  }
}

/** A peer that is a program of the system; left out, and reported so, where it is not installed. */
function installed(
  name: string,
  versionFlag: string,
  command: (path: string, ...place: Parameters<Target['command']>) => readonly string[],
): Target[] {
  const path = findProgram(name)
  if (path === null) return []
  return [
    {
      name,
      version: `${name}: ${programVersion(path, versionFlag)}, one worker, connections to the upstream kept`,
      protocols: ALL_PROTOCOLS,
      command: (...place) => command(path, ...place),
    },
  ]
}

function nginxConfig(
  port: number,
  upstreamPort: number,
  folder: string,
  certificate: CertificateFiles | null,
): string {
  // By itself nginx speaks TLS 1.3 from 1.23.4 on; all others here do.
  const tls =
    certificate === null
      ? ''
      : `ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate ${certificate.cert}; ssl_certificate_key ${certificate.key};`
  return `
master_process off;
daemon off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log crit;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  keepalive_requests 1000000;
  upstream bench {
    server 127.0.0.1:${upstreamPort};
    keepalive 256;
    keepalive_requests 1000000;
  }
  server {
    listen 127.0.0.1:${port}${certificate === null ? '' : ' ssl http2'};
    ${tls}
    location / {
      proxy_pass http://bench;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
    }
  }
}
`
}

function caddyConfig(
  port: number,
  upstreamPort: number,
  certificate: CertificateFiles | null,
): string {
  const scheme = certificate === null ? 'http' : 'https'
  return `
{
  admin off
  auto_https off
  log {
    output discard
  }
}
${scheme}://127.0.0.1:${port} {
  ${certificate === null ? '' : `tls ${certificate.cert} ${certificate.key}`}
  reverse_proxy 127.0.0.1:${upstreamPort} {
    transport http {
      keepalive_idle_conns_per_host 256
    }
  }
}
`
}

/** HAProxy wants the key behind the certificate, in one file; null for none. */
function pemOf(folder: string, certificate: CertificateFiles | null): string | null {
  if (certificate === null) return null
  const file = join(folder, 'server.pem')
  writeFileSync(file, `${readFileSync(certificate.cert)}${readFileSync(certificate.key)}`)
  return file
}

function haproxyConfig(port: number, upstreamPort: number, pem: string | null): string {
  return `
global
  nbthread 1
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 15s
  http-reuse always
  option forwardfor
frontend bench
  bind 127.0.0.1:${port}${pem === null ? '' : ` ssl crt ${pem} alpn h2,http/1.1`}
  default_backend upstream
backend upstream
  server one 127.0.0.1:${upstreamPort} maxconn 1024
`
}
