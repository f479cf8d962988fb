import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { type Cleanup, fetchFrom, until } from './gateway.ts'

/** Where Debian puts it, which is not in everybody's path. A missing server is a failure, not a skip. */
function nginxBinary(): string {
  const found = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/usr/bin/nginx'].find(existsSync)
  if (found === undefined) throw new Error('nginx is not installed: apt-get install nginx-light')
  return found
}

/** Starts nginx with one worker and the given directives in its `server` block; returns its port. */
export async function startNginx(cleanup: Cleanup, directives: string): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), 'penstock-nginx-'))
  const port = await freePort()
  await writeFile(
    join(dir, 'nginx.conf'),
    `worker_processes 1;
daemon off;
pid ${dir}/nginx.pid;
error_log ${dir}/error.log;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path ${dir}/body;
  proxy_temp_path ${dir}/proxy;
  fastcgi_temp_path ${dir}/fastcgi;
  uwsgi_temp_path ${dir}/uwsgi;
  scgi_temp_path ${dir}/scgi;
  keepalive_requests 1000000;
  server {
    listen 127.0.0.1:${port};
    ${directives}
  }
}
`,
  )
  const child = spawn(nginxBinary(), ['-c', join(dir, 'nginx.conf'), '-p', dir], {
    stdio: 'ignore',
  })
  cleanup.add(async () => {
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    await exited
    await rm(dir, { recursive: true, force: true })
  })
  await until(
    () =>
      fetchFrom(port, '/').then(
        () => true,
        () => false,
      ),
    'nginx answers',
  )
  return port
}
