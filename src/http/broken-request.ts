import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { Problem } from '../domain/problem.ts'
import { PROBLEM_MEDIA_TYPE, problemDocument } from './problem-document.ts'

/** Answers what is no HTTP, which no route and no error handler sees, in the same form as everything else. */
export function answerBrokenRequest(error: { code: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const body = JSON.stringify(problemDocument(new Problem('malformed-request'), randomUUID()))
  const head = [
    'HTTP/1.1 400 Bad Request',
    `Content-Type: ${PROBLEM_MEDIA_TYPE}`,
    `Content-Length: ${body.length}`,
  ]
  socket.end(`${head.join('\r\n')}\r\nConnection: close\r\n\r\n${body}`)
}
