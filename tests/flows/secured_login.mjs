// openid-client logs a person in as FAPI 2.0 wants it: with pushed and signed requests, signed responses, and tokens that are bound to a key.
// Reads {issuer, clientId, clientSecret, redirectUri, scope, key} from the first line of stdin, prints the URL that the browser is to open,
// reads the URL that the browser came back to from the second line, and prints what came of it as one line of JSON.
// With a key (a private JWK), the client authenticates and signs its requests with it.
import { createInterface } from 'node:readline'
import { importJWK } from 'jose'
import * as client from 'openid-client'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const next = async () => (await lines.next()).value
const { issuer, clientId, clientSecret, redirectUri, scope, key } = JSON.parse(await next())
const say = (what) => console.log(JSON.stringify(what))

const signing = key && { key: await importJWK(key, key.alg), kid: key.kid }
const authentication = signing ? client.PrivateKeyJwt(signing) : client.ClientSecretBasic(clientSecret)
const metadata = { authorization_signed_response_alg: 'ES256', id_token_signed_response_alg: 'ES256' }
const config = await client.discovery(new URL(issuer), clientId, metadata, authentication, {
  execute: [client.allowInsecureRequests, client.useJwtResponseMode],
})
const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair())
const pkceCodeVerifier = client.randomPKCECodeVerifier()
const expectedState = client.randomState()
const expectedNonce = client.randomNonce()
let params = {
  redirect_uri: redirectUri, scope, state: expectedState, nonce: expectedNonce,
  code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256',
}
if (signing) params = (await client.buildAuthorizationUrlWithJAR(config, params, signing)).searchParams
const url = await client.buildAuthorizationUrlWithPAR(config, params, { DPoP })
say({ url: url.href })
const back = new URL(await next())
const tokens = await client.authorizationCodeGrant(
  config, back, { pkceCodeVerifier, expectedState, expectedNonce }, undefined, { DPoP },
)
const { sub } = tokens.claims()
const userinfo = await client.fetchUserInfo(config, tokens.access_token, sub, { DPoP })
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
say({
  sub, userinfo, type: tokens.token_type, refreshed: refreshed.access_token !== tokens.access_token,
  sent: [...url.searchParams.keys()].sort(), back: [...back.searchParams.keys()],
})
process.exit(0)
