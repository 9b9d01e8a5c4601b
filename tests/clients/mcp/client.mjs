// The SDK of PACKAGE asks a tool of a server who it is: version 1 is @modelcontextprotocol/sdk, version 2 @modelcontextprotocol/client.
// It prints the URL that the browser is to open, and reads the URL that the browser came back to. It asks again with an access token
// that the server refuses. Its client is the metadata document DOCUMENT, or one that it registers.
import { createInterface } from "node:readline/promises";

const { CALLBACK, DOCUMENT, PACKAGE, SERVER_URL } = process.env;
const { Client, StreamableHTTPClientTransport, UnauthorizedError } =
  PACKAGE === "@modelcontextprotocol/sdk"
    ? {
        ...(await import("@modelcontextprotocol/sdk/client/index.js")),
        ...(await import("@modelcontextprotocol/sdk/client/streamableHttp.js")),
        ...(await import("@modelcontextprotocol/sdk/client/auth.js")),
      }
    : await import("@modelcontextprotocol/client");

const say = (message) => console.log(JSON.stringify(message));

/** Everything in memory, as in the SDK's own example of a client. */
class Kept {
  redirectUrl = CALLBACK;
  clientMetadataUrl = DOCUMENT;
  clientMetadata = {
    client_name: "My agent",
    redirect_uris: [CALLBACK],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "client_secret_post",
  };
  clientInformation = () => this.client;
  saveClientInformation = (client) => void (this.client = client);
  tokens = () => this.kept;
  saveTokens = (tokens) => void (this.kept = tokens);
  codeVerifier = () => this.verifier;
  saveCodeVerifier = (verifier) => void (this.verifier = verifier);
  redirectToAuthorization = (url) => say({ url });
}

const provider = new Kept();
const connected = async () => {
  const client = new Client({ name: "tests", version: "1" });
  const transport = new StreamableHTTPClientTransport(new URL(SERVER_URL), { authProvider: provider });
  try {
    await client.connect(transport);
    return client;
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    const back = new URL(await createInterface({ input: process.stdin }).question(""));
    await transport.finishAuth(PACKAGE === "@modelcontextprotocol/sdk" ? back.searchParams.get("code") : back.searchParams);
    return connected();
  }
};

const client = await connected();
const who = async () => (await client.callTool({ name: "who", arguments: {} })).content[0].text;
say({ tools: (await client.listTools()).tools.map((tool) => tool.name), sub: await who() });
provider.kept = { ...provider.kept, access_token: "expired" };
const sub = await who();
say({ renewed: provider.kept.access_token !== "expired", sub });
process.exit();
