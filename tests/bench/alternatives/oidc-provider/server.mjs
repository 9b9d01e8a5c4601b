// node server.mjs PORT, with DATABASE_URL for Postgres; without it, everything is kept in memory by oidc-provider's own adapter.
import { generateKeyPairSync } from 'node:crypto'
import { Provider } from 'oidc-provider'
import { adapter } from './postgres.mjs'

const [port] = process.argv.slice(2)
const { DATABASE_URL: database, INITIAL_ACCESS_TOKEN: initialAccessToken, CLIENTS: clients } = process.env
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

// The resource that a request names, or the first one, says what its access tokens are.
const FORMATS = { 'urn:example:jwt': 'jwt', 'urn:example:opaque': 'opaque' }

const provider = new Provider(`http://127.0.0.1:${port}`, {
  adapter: database && await adapter(database, 16),
  // The memory of oidc-provider's own adapter has 1,000 entries, so that clients of the configuration are what stays.
  clients: JSON.parse(clients ?? '[]'),
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'one' }] },
  scopes: ['api:public'],
  clientDefaults: {
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method: 'client_secret_post',
    id_token_signed_response_alg: 'ES256',
  },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true, allowedPolicy: () => true },
    registration: {
      enabled: true, initialAccessToken,
      // By default it always issues one, which is stored. Both ways are measured.
      issueRegistrationAccessToken: (ctx) => ctx.oidc.body.client_name === 'with a registration access token',
    },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => 'urn:example:jwt',
      getResourceServerInfo: (ctx, resource) => ({
        scope: 'api:public', accessTokenFormat: FORMATS[resource], accessTokenTTL: 3600, jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
})
provider.on('server_error', (ctx, error) => console.error(error))
provider.listen(Number(port), '127.0.0.1')
