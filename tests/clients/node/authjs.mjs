// Auth.js in Express, with its generic OpenID Connect provider on its defaults.
import { ExpressAuth, getSession } from '@auth/express'
import express from 'express'

const { ISSUER, CLIENT_ID, CLIENT_SECRET, HOME_URL } = process.env
const config = {
  trustHost: true,
  secret: 'for-the-tests-alone-for-the-tests-alone',
  providers: [{ id: 'muniment', name: 'Muniment', type: 'oidc', issuer: ISSUER, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET }],
}
const app = express()
app.use('/auth', ExpressAuth(config))
app.get('/me', async (request, response) => response.json((await getSession(request, config))?.user ?? null))
app.listen(new URL(HOME_URL).port, '127.0.0.1')
