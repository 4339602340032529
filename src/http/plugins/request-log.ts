import fp from 'fastify-plugin'

/** One line for each request, once it is answered; its problem, if it has one, is in a line of its own. */
export const requestLog = fp(
  async (app) => {
    app.addHook('onResponse', (request, reply, done) => {
      const { method, url } = request
      request.log.info(
        {
          method,
          url,
          statusCode: reply.statusCode,
          milliseconds: Math.round(reply.elapsedTime * 1000) / 1000,
        },
        'request answered',
      )
      done()
    })
  },
  { name: 'request-log' },
)
