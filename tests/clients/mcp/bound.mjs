// The SDK gets a token that is bound to a key (DPoP) for the API of this server itself, which it discovers, and calls it with proofs.
import { ClientCredentialsProvider, DpopSession, auth, withDpopFromProvider } from "@modelcontextprotocol/client";

const { CLIENT_ID, CLIENT_SECRET, ISSUER } = process.env;

const session = await DpopSession.create();
class Bound extends ClientCredentialsProvider {
  dpop = () => session;
}
const provider = new Bound({ clientId: CLIENT_ID, clientSecret: CLIENT_SECRET, expectedIssuer: ISSUER });
await auth(provider, { serverUrl: `${ISSUER}/api/v1` });
const tokens = provider.tokens();
const url = `${ISSUER}/api/v1/auth/clients`;
const bound = withDpopFromProvider(provider)(fetch);
const bearer = { headers: { Authorization: `Bearer ${tokens.access_token}` } };
const statuses = [await bound(url), await bound(url), await fetch(url, bearer)].map((answer) => answer.status);
console.log(JSON.stringify({ type: tokens.token_type, statuses }));
