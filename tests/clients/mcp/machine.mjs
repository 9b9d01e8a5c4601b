// The SDK asks a tool of a server who it is, as a machine with CLIENT_SECRET, or with the private KEY (ES256).
import {
  Client,
  ClientCredentialsProvider,
  PrivateKeyJwtProvider,
  StreamableHTTPClientTransport,
} from "@modelcontextprotocol/client";

const { CLIENT_ID, CLIENT_SECRET, ISSUER, KEY, SERVER_URL } = process.env;
const known = { clientId: CLIENT_ID, expectedIssuer: ISSUER };
const authProvider = KEY
  ? new PrivateKeyJwtProvider({ ...known, privateKey: KEY, algorithm: "ES256" })
  : new ClientCredentialsProvider({ ...known, clientSecret: CLIENT_SECRET });
const client = new Client({ name: "tests", version: "1" });
await client.connect(new StreamableHTTPClientTransport(new URL(SERVER_URL), { authProvider }));
const answer = await client.callTool({ name: "who", arguments: {} });
console.log(JSON.stringify({ tools: (await client.listTools()).tools.map((tool) => tool.name), sub: answer.content[0].text }));
process.exit();
