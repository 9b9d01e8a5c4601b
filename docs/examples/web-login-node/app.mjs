// A web application that people log in to: Express, with openid-client as its OpenID Connect client.
import { randomBytes } from 'node:crypto'
import express from 'express'
import session from 'express-session'
import * as client from 'openid-client'

const { CLIENT_ID, CLIENT_SECRET } = process.env
const ISSUER = process.env.ISSUER ?? 'http://127.0.0.1:8000'
const HOME_URL = process.env.HOME_URL ?? 'http://localhost:3000'

// openid-client refuses plain http unless it is told otherwise; it is for development on one machine alone.
const options = ISSUER.startsWith('http:') ? { execute: [client.allowInsecureRequests] } : {}
// The discovery document names all endpoints and keys, so nothing else about the issuer stands here.
const muniment = await client.discovery(new URL(ISSUER), CLIENT_ID, CLIENT_SECRET, undefined, options)

const app = express()
app.use(session({
  // Set SESSION_SECRET where the application really runs: a random secret ends all sessions at each restart.
  secret: process.env.SESSION_SECRET ?? randomBytes(32).toString('hex'),
  resave: false,
  saveUninitialized: false,
  cookie: { httpOnly: true, sameSite: 'lax', secure: HOME_URL.startsWith('https:') },
}))

// Names and addresses are other people's text: they are escaped like any input.
const escape = text => String(text).replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)

app.get('/', (request, response) => {
  const { user } = request.session
  if (!user) return response.send('<p>You are not signed in.</p><p><a href="/login">Sign in</a></p>')
  const who = `${escape(user.name ?? user.sub)} (${escape(user.email ?? 'no e-mail address')})`
  // Sign-out is a POST, so that no link or image on another site can sign people out.
  response.send(`<p>Signed in as ${who}.</p><form method="post" action="/logout"><button>Sign out</button></form>`)
})

app.get('/login', async (request, response) => {
  // These three tie the login to this browser: they stay in its session, and the callback must fit them.
  const login = { verifier: client.randomPKCECodeVerifier(), state: client.randomState(), nonce: client.randomNonce() }
  request.session.login = login
  response.redirect(client.buildAuthorizationUrl(muniment, {
    redirect_uri: `${HOME_URL}/callback`,
    scope: 'openid profile email',
    state: login.state,
    nonce: login.nonce,
    code_challenge: await client.calculatePKCECodeChallenge(login.verifier),
    code_challenge_method: 'S256',
  }).href)
})

app.get('/callback', async (request, response) => {
  const { login } = request.session
  if (!login) return refuse(response, 'this browser has not begun a login.')
  delete request.session.login // a login is completed once
  let tokens
  try {
    // This checks the state, redeems the code, and verifies the ID token: issuer, audience, expiry, nonce.
    tokens = await client.authorizationCodeGrant(muniment, new URL(request.originalUrl, HOME_URL), {
      pkceCodeVerifier: login.verifier, expectedState: login.state, expectedNonce: login.nonce,
    })
  } catch (error) { // the person said no, or the callback does not belong to this login
    return refuse(response, error.error_description ?? error.message)
  }
  // `sub` is the key for your own tables: it never changes, while e-mail addresses and names do.
  const { sub, name, email } = tokens.claims()
  // A new session id at sign-in: one that somebody planted in the browser before is worth nothing after.
  request.session.regenerate(error => {
    if (error) throw error
    Object.assign(request.session, { user: { sub, name, email }, idToken: tokens.id_token })
    response.redirect(303, '/')
  })
})

app.post('/logout', (request, response) => {
  const { idToken } = request.session
  request.session.destroy(() => {
    // The ID token proves which login is meant, so Muniment ends its own session too, without asking the person again.
    const back = { post_logout_redirect_uri: `${HOME_URL}/`, ...(idToken && { id_token_hint: idToken }) }
    response.redirect(303, client.buildEndSessionUrl(muniment, back).href)
  })
})

function refuse(response, why) {
  response.status(400).send(`<p>You are not signed in: ${escape(why)}</p><p><a href="/login">Try again</a></p>`)
}

app.listen(new URL(HOME_URL).port, new URL(HOME_URL).hostname)
