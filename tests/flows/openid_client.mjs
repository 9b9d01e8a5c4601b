// Two of the libraries that programs in Node speak to an issuer with. Prints what they found as one line of JSON.
import * as client from 'openid-client'
import { createRemoteJWKSet, jwtVerify } from 'jose'

const [issuer, clientId, clientSecret] = process.argv.slice(2)
const found = []
for (const authentication of [client.ClientSecretPost, client.ClientSecretBasic]) {
  const config = await client.discovery(new URL(issuer), clientId, undefined, authentication(clientSecret), {
    execute: [client.allowInsecureRequests],
  })
  const tokens = await client.clientCredentialsGrant(config, { scope: 'api:public' })
  const keys = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri))
  const { payload, protectedHeader } = await jwtVerify(tokens.access_token, keys, {
    issuer, audience: issuer, typ: 'at+jwt', algorithms: ['ES256'],
  })
  const before = await client.tokenIntrospection(config, tokens.access_token)
  await client.tokenRevocation(config, tokens.access_token)
  const after = await client.tokenIntrospection(config, tokens.access_token)
  found.push({ payload, alg: protectedHeader.alg, expires: tokens.expires_in, before: before.active, after: after.active })
}
const wrong = await client.discovery(new URL(issuer), clientId, undefined, client.ClientSecretPost('wrong'), {
  execute: [client.allowInsecureRequests],
})
const refusal = await client.clientCredentialsGrant(wrong).catch((fault) => fault.status ?? String(fault))
console.log(JSON.stringify({ found, refusal }))
