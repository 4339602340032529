import fp from 'fastify-plugin'

/**
 * While the server closes, each answer is the last one of its connection. Fastify says so to requests that come then, but
 * not in answer to those under way, whose connections would keep the process until their time-out.
 */
export const lastAnswers = fp(
  async (app) => {
    let closing = false
    app.addHook('preClose', (done) => {
      closing = true
      done()
    })
    app.addHook('onSend', (_request, reply, _payload, done) => {
      if (closing) void reply.header('connection', 'close')
      done()
    })
  },
  { name: 'last-answers' },
)
