// Two stock libraries log a person in: openid-client, or oauth4webapi, as their documentation has it.
// Reads {library, issuer, clientId, clientSecret, redirectUri, scope} from the first line of stdin, prints the URL that the browser is to open,
// reads the URL that the browser came back to from the second line, and prints what came of it as one line of JSON.
import { createInterface } from 'node:readline'
import * as client from 'openid-client'
import * as oauth from 'oauth4webapi'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const next = async () => (await lines.next()).value
const asked = JSON.parse(await next())
const say = (what) => console.log(JSON.stringify(what))

async function withOpenidClient({ issuer, clientId, clientSecret, redirectUri, scope }) {
  const authentication = clientSecret ? undefined : client.None()
  const config = await client.discovery(new URL(issuer), clientId, clientSecret ?? undefined, authentication, {
    execute: [client.allowInsecureRequests],
  })
  const pkceCodeVerifier = client.randomPKCECodeVerifier()
  const expectedState = client.randomState()
  const expectedNonce = client.randomNonce()
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri, scope, state: expectedState, nonce: expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256',
  })
  say({ url: url.href })
  const back = new URL(await next())
  const mixedUp = new URL(back)
  mixedUp.searchParams.set('iss', 'https://another.example')
  const checks = { pkceCodeVerifier, expectedState, expectedNonce }
  const mixUp = await client.authorizationCodeGrant(config, mixedUp, checks).then(() => 'taken', () => 'refused')
  const tokens = await client.authorizationCodeGrant(config, back, checks)
  const { sub } = tokens.claims()
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, sub)
  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token)
  const logout = client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token })
  return { sub, userinfo, refreshed: refreshed.access_token !== tokens.access_token, mixUp, logout: logout.href }
}

async function withOauth4webapi({ issuer, clientId, clientSecret, redirectUri, scope }) {
  const insecure = { [oauth.allowInsecureRequests]: true }
  const url = new URL(issuer)
  const as = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, insecure))
  const me = { client_id: clientId }
  const authentication = clientSecret ? oauth.ClientSecretBasic(clientSecret) : oauth.None()
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const nonce = oauth.generateRandomNonce()
  const login = new URL(as.authorization_endpoint)
  for (const [name, value] of Object.entries({
    client_id: clientId, redirect_uri: redirectUri, response_type: 'code', scope, state, nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  })) login.searchParams.set(name, value)
  say({ url: login.href })
  const back = new URL(await next())
  const mixedUp = new URL(back)
  mixedUp.searchParams.set('iss', 'https://another.example')
  let mixUp = 'taken'
  try { oauth.validateAuthResponse(as, me, mixedUp, state) } catch { mixUp = 'refused' }
  const params = oauth.validateAuthResponse(as, me, back, state)
  const answer = await oauth.authorizationCodeGrantRequest(as, me, authentication, params, redirectUri, verifier, insecure)
  const tokens = await oauth.processAuthorizationCodeResponse(as, me, answer, { expectedNonce: nonce, requireIdToken: true })
  await oauth.validateApplicationLevelSignature(as, answer, insecure)
  const { sub } = oauth.getValidatedIdTokenClaims(tokens)
  const told = await oauth.userInfoRequest(as, me, tokens.access_token, insecure)
  const userinfo = await oauth.processUserInfoResponse(as, me, sub, told)
  const again = await oauth.refreshTokenGrantRequest(as, me, authentication, tokens.refresh_token, insecure)
  const refreshed = await oauth.processRefreshTokenResponse(as, me, again)
  return { sub, userinfo, refreshed: refreshed.access_token !== tokens.access_token, mixUp, logout: as.end_session_endpoint }
}

say(await { 'openid-client': withOpenidClient, oauth4webapi: withOauth4webapi }[asked.library](asked))
process.exit(0)
