// mcp-remote, which applications run as their MCP server, asks a tool of the server at SERVER_URL who it is.
// It prints the URL that mcp-remote would open in a browser. Started again, it has an access token that the server refuses.
// Its client is the metadata document DOCUMENT, or one that it registers.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const { DOCUMENT, HOME, SERVER_URL } = process.env;

const say = (message) => console.log(JSON.stringify(message));

const used = async (ask) => {
  const args = ["node_modules/mcp-remote/dist/proxy.js", SERVER_URL];
  if (DOCUMENT) args.push("--client-metadata-url", DOCUMENT);
  const transport = new StdioClientTransport({
    command: process.execPath,
    args,
    env: { HOME, PATH: "", MCP_REMOTE_CONFIG_DIR: HOME },
    stderr: "pipe",
  });
  let printed = "";
  transport.stderr.on("data", (text) => {
    printed += text;
    process.stderr.write(text);
    const url = printed.match(/^(http\S+\/authorize\?\S+)\n/m);
    if (url) {
      say({ url: url[1] });
      printed = "";
    }
  });
  const client = new Client({ name: "tests", version: "1" });
  await client.connect(transport);
  await ask(client);
  await client.close();
};

const who = async (client) => (await client.callTool({ name: "who", arguments: {} })).content[0].text;
const file = () =>
  readdirSync(HOME, { recursive: true }).map((name) => join(HOME, name)).find((name) => name.endsWith("_tokens.json"));
const kept = () => JSON.parse(readFileSync(file(), "utf8"));

await used(async (client) => {
  say({ tools: (await client.listTools()).tools.map((tool) => tool.name), sub: await who(client) });
});
writeFileSync(file(), JSON.stringify({ ...kept(), access_token: "expired" }));
await used(async (client) => {
  const sub = await who(client);
  say({ renewed: kept().access_token !== "expired", sub });
});
process.exit();
