import { readFileSync } from 'node:fs'
import {
  createServer,
  type IncomingMessage,
  Agent as PlainAgent,
  type RequestListener,
  type Server,
  ServerResponse,
} from 'node:http'
import { createServer as createTlsServer, Agent as TlsAgent } from 'node:https'
import { createProxyServer } from 'http-proxy-3'

/* http-proxy-3 as a process of its own: `node http-proxy-3-process.js http|https PORT UPSTREAM CERT KEY`. */

const [scheme = '', port = '', upstream = '', certPath = '', keyPath = ''] = process.argv.slice(2)
const cert = readFileSync(certPath)

const proxy = createProxyServer({
  target: upstream,
  agent: upstream.startsWith('https:')
    ? new TlsAgent({ keepAlive: true, ca: cert })
    : new PlainAgent({ keepAlive: true }),
})

proxy.on('error', (fault, _request, answer) => {
  console.error(fault)
  if (answer instanceof ServerResponse && !answer.headersSent) answer.writeHead(502)
  answer?.end()
})

const pass: RequestListener = (request: IncomingMessage, answer: ServerResponse) => {
  proxy.web(request, answer)
}

const createFront = (): Server =>
  scheme === 'https'
    ? createTlsServer({ cert, key: readFileSync(keyPath) }, pass)
    : createServer(pass)

createFront().listen(Number(port), '127.0.0.1')
