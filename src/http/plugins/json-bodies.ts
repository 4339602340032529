import fp from 'fastify-plugin'

/**
 * A client that sets its media type once and for all sends it with requests that have no body, too: then there is none.
 * Where an operation needs a body, its schema says so.
 */
export const jsonBodies = fp(
  async (app) => {
    const parse = app.getDefaultJsonParser('error', 'error')
    app.removeContentTypeParser('application/json')
    app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text, done) => {
      if (text === '') done(null, undefined)
      else void parse(request, String(text), done)
    })
  },
  { name: 'json-bodies' },
)
