// A client by openid-client that uses one method of OAuth, as tests/clients/methods.py tells it.
import { createInterface } from 'node:readline'
import { importJWK } from 'jose'
import * as client from 'openid-client'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const next = async () => (await lines.next()).value
const say = (what) => console.log(JSON.stringify(what))
const told = JSON.parse(await next())
const issuer = new URL(told.issuer)
const key = told.key && { key: await importJWK(told.key, told.key.alg), kid: told.key.kid }
const settings = { execute: [client.allowInsecureRequests] }

async function configured() {
  if (told.method === 'registration') {
    return client.dynamicClientRegistration(issuer, { redirect_uris: [told.callback] }, undefined, settings)
  }
  const metadata = told.method === 'jarm' ? { authorization_signed_response_alg: 'ES256' } : {}
  const authentication = key ? client.PrivateKeyJwt(key) : told.clientSecret ? client.ClientSecretPost(told.clientSecret) : client.None()
  return client.discovery(issuer, told.clientId, metadata, authentication, settings)
}

const config = await configured()

async function loggedIn(build) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier()
  const expectedState = client.randomState()
  const url = await build(config, {
    redirect_uri: told.callback, scope: 'openid email', state: expectedState,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256',
  })
  say({ url: url.href })
  return client.authorizationCodeGrant(config, new URL(await next()), { pkceCodeVerifier, expectedState })
}

async function ofADevice() {
  const device = await client.initiateDeviceAuthorization(config, { scope: 'openid' })
  say({ user_code: device.user_code })
  await next()
  return client.pollDeviceAuthorizationGrant(config, device)
}

const METHODS = {
  private_key_jwt: () => client.clientCredentialsGrant(config),
  dpop: async () => {
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair())
    return client.clientCredentialsGrant(config, undefined, { DPoP })
  },
  par: () => loggedIn(client.buildAuthorizationUrlWithPAR),
  jar: () => loggedIn((config, params) => client.buildAuthorizationUrlWithJAR(config, params, key)),
  jarm: () => {
    client.useJwtResponseMode(config)
    return loggedIn(client.buildAuthorizationUrl)
  },
  device: ofADevice,
  exchange: () => client.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:token-exchange', {
    subject_token: told.subjectToken, subject_token_type: 'urn:ietf:params:oauth:token-type:access_token', resource: told.api,
  }),
  registration: () => loggedIn(client.buildAuthorizationUrl),
}
say({ token: (await METHODS[told.method]()).access_token })
process.exit(0)
