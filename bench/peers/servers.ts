import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageVersion, programVersion } from '../support/machine.ts'
import { findProgram } from '../support/missing-tool.ts'
import type { Target } from '../support/target.ts'

/** Programs beside this file that start a package, and the package. */
const PACKAGES: Readonly<Record<string, string>> = { 'fastify-http-proxy': '@fastify/http-proxy' }

/** Peers that are programs of the system: they are left out where they are not installed. */
export const SYSTEM_PEERS: readonly string[] = ['caddy', 'nginx', 'haproxy']

/** Adding a peer is one more entry: how it is started, and how it is configured to do the same work. */
export const PEERS: readonly Target[] = [
  {
    name: 'fast-gateway',
    version: `${packageVersion('fast-gateway')} with ${packageVersion('fast-proxy-lite')}, keep-alive agent`,
    command: (port, upstreamPort) => [
      process.execPath,
      join(import.meta.dirname, 'fast-gateway.ts'),
      String(port),
      String(upstreamPort),
    ],
  },
  ...['http-proxy-3', 'fastify-http-proxy'].map(scripted),
  ...installed('caddy', 'version', (path, port, upstreamPort, folder) => {
    const file = join(folder, 'Caddyfile')
    writeFileSync(file, caddyConfig(port, upstreamPort))
    return [path, 'run', '--config', file, '--adapter', 'caddyfile']
  }),
  ...installed('nginx', '-v', (path, port, upstreamPort, folder) => {
    const file = join(folder, 'nginx.conf')
    writeFileSync(file, nginxConfig(port, upstreamPort, folder))
    return [path, '-p', folder, '-c', file]
  }),
  ...installed('haproxy', '-v', (path, port, upstreamPort, folder) => {
    const file = join(folder, 'haproxy.cfg')
    writeFileSync(file, haproxyConfig(port, upstreamPort))
    return [path, '-db', '-q', '-f', file]
  }),
]

function scripted(name: string): Target {
  return {
    name,
    version: `${packageVersion(PACKAGES[name] ?? name)}, connections to the upstream kept`,
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
  command: (path: string, port: number, upstreamPort: number, folder: string) => readonly string[],
): Target[] {
  const path = findProgram(name)
  if (path === null) return []
  return [
    {
      name,
      version: `${programVersion(path, versionFlag)}, one worker, connections to the upstream kept`,
      command: (port, upstreamPort, folder) => command(path, port, upstreamPort, folder),
    },
  ]
}

function nginxConfig(port: number, upstreamPort: number, folder: string): string {
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
    listen 127.0.0.1:${port};
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

function caddyConfig(port: number, upstreamPort: number): string {
  return `
{
  admin off
  auto_https off
  log {
    output discard
  }
}
http://127.0.0.1:${port} {
  reverse_proxy 127.0.0.1:${upstreamPort} {
    transport http {
      keepalive_idle_conns_per_host 256
    }
  }
}
`
}

function haproxyConfig(port: number, upstreamPort: number): string {
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
  bind 127.0.0.1:${port}
  default_backend upstream
backend upstream
  server one 127.0.0.1:${upstreamPort} maxconn 1024
`
}
