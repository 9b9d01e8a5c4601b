"""What stock clients send to a registration endpoint, or publish as a document."""

from typing import Any

CODE_AND_REFRESH = {"grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"]}

STOCK: dict[str, dict[str, Any]] = {
    "MCP TypeScript SDK": {
        "client_name": "Simple OAuth MCP Client",
        "redirect_uris": ["http://localhost:8090/callback"],
        "token_endpoint_auth_method": "client_secret_post",
        **CODE_AND_REFRESH,
    },
    "MCP Python SDK": {
        "redirect_uris": ["http://localhost:3030/callback"],
        "token_endpoint_auth_method": "client_secret_post",
        "client_name": "Simple Auth Client",
        "scope": "user",
        **CODE_AND_REFRESH,
    },
    "MCP Inspector": {
        "redirect_uris": ["http://localhost:6274/oauth/callback"],
        "token_endpoint_auth_method": "none",
        "client_name": "MCP Inspector",
        "client_uri": "https://github.com/modelcontextprotocol/inspector",
        "scope": "",
        **CODE_AND_REFRESH,
    },
    "mcp-remote": {
        "redirect_uris": ["http://localhost:3334/oauth/callback"],
        "token_endpoint_auth_method": "none",
        "client_name": "MCP CLI Proxy",
        "client_uri": "https://github.com/modelcontextprotocol/mcp-cli",
        "software_id": "2e6dc280-f3c3-4e01-99a7-8181dbd1d23d",
        "software_version": "0.1.29",
        "scope": "openid email profile",
        **CODE_AND_REFRESH,
    },
    "FastMCP": {
        "client_name": "FastMCP Client",
        "redirect_uris": ["http://localhost:57341/callback"],
        "token_endpoint_auth_method": None,
        "scope": "openid offline_access",
        "contacts": None,
        "logo_uri": "",
        **CODE_AND_REFRESH,
    },
    "Claude": {
        "client_name": "Claude",
        "redirect_uris": ["https://claude.ai/api/mcp/auth_callback"],
        "token_endpoint_auth_method": "client_secret_post",
        "scope": "claudeai",
        **CODE_AND_REFRESH,
    },
    "Claude Code": {
        "client_name": "Claude Code (tickets)",
        "application_type": "native",
        "redirect_uris": ["http://localhost:3118/callback"],
        "token_endpoint_auth_method": "none",
        **CODE_AND_REFRESH,
    },
    "VS Code": {
        "client_name": "Visual Studio Code",
        "client_uri": "https://code.visualstudio.com",
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
        "response_types": ["code"],
        "redirect_uris": [
            "https://insiders.vscode.dev/redirect",
            "https://vscode.dev/redirect",
            "http://127.0.0.1/",
            "http://127.0.0.1:33418/",
        ],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    },
    "Cursor": {
        "client_name": "Cursor",
        "redirect_uris": [
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "https://www.cursor.com/agents/mcp/oauth/callback",
            "http://localhost:8787/callback",
        ],
        "token_endpoint_auth_method": "none",
        **CODE_AND_REFRESH,
    },
    "OpenID conformance": {
        "client_name": "oidc-client",
        "client_name#de": "OIDC-Client",
        "redirect_uris": ["https://www.certification.example/test/a/muniment/callback"],
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "subject_type": "public",
        "id_token_signed_response_alg": "RS256",
        "token_endpoint_auth_method": "client_secret_basic",
        "contacts": ["certification@oidf.example"],
        "default_max_age": 3600,
        "require_auth_time": True,
    },
}
