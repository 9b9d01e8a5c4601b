// The SDK's cross-app access asks a tool of a server who it is, for a user of an enterprise who has signed in to the client.
// The user's ID token is exchanged for an assertion at the enterprise's provider IDP, and this one for an access token at ISSUER.
import {
  Client,
  CrossAppAccessProvider,
  StreamableHTTPClientTransport,
  discoverAndRequestJwtAuthGrant,
} from "@modelcontextprotocol/client";

const { CLIENT_ID, CLIENT_SECRET, ID_TOKEN, IDP, IDP_CLIENT_ID, IDP_CLIENT_SECRET, ISSUER, SERVER_URL } = process.env;

const authProvider = new CrossAppAccessProvider({
  assertion: async ({ authorizationServerUrl, resourceUrl, scope, fetchFn }) => {
    const granted = await discoverAndRequestJwtAuthGrant({
      idpUrl: IDP,
      audience: authorizationServerUrl,
      resource: resourceUrl,
      idToken: ID_TOKEN,
      clientId: IDP_CLIENT_ID,
      clientSecret: IDP_CLIENT_SECRET,
      scope,
      fetchFn,
    });
    return granted.jwtAuthGrant;
  },
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  expectedIssuer: ISSUER,
});
const client = new Client({ name: "tests", version: "1" });
await client.connect(new StreamableHTTPClientTransport(new URL(SERVER_URL), { authProvider }));
const answer = await client.callTool({ name: "who", arguments: {} });
console.log(JSON.stringify({ sub: answer.content[0].text }));
process.exit();
