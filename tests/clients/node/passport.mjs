// passport-openidconnect in Express, as its documentation has it.
import express from 'express'
import session from 'express-session'
import passport from 'passport'
import OpenIDConnectStrategy from 'passport-openidconnect'

const { ISSUER, CLIENT_ID, CLIENT_SECRET, HOME_URL } = process.env
passport.use(new OpenIDConnectStrategy({
  issuer: ISSUER,
  authorizationURL: `${ISSUER}/openid/authorize`,
  tokenURL: `${ISSUER}/openid/token`,
  userInfoURL: `${ISSUER}/openid/userinfo`,
  clientID: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  callbackURL: `${HOME_URL}/callback`,
  scope: ['profile', 'email'],
}, (issuer, profile, done) => done(null, profile)))
passport.serializeUser((user, done) => done(null, user))
passport.deserializeUser((user, done) => done(null, user))

const app = express()
app.use(session({ secret: 'for-the-tests-alone', resave: false, saveUninitialized: false }))
app.use(passport.session())
app.get('/login', passport.authenticate('openidconnect'))
app.get('/callback', passport.authenticate('openidconnect', { failureRedirect: '/failed', successRedirect: '/me' }))
app.get('/me', ({ user }, response) => response.json({ sub: user?.id, name: user?.displayName, email: user?.emails?.[0]?.value }))
app.listen(new URL(HOME_URL).port, '127.0.0.1')
