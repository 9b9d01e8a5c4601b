// Shows /openapi.json with Scalar. Everything that would ask another host is off; the page's Content-Security-Policy forbids it too.
Scalar.createApiReference("#reference", {
  url: "openapi.json",
  theme: "none",
  withDefaultFonts: false,
  telemetry: false,
  agent: { disabled: true },
  showDeveloperTools: "never",
  hideClientButton: true,
  persistAuth: false,
  documentDownloadType: "json",
  defaultHttpClient: { targetKey: "shell", clientKey: "curl" },
  orderSchemaPropertiesBy: "preserve",
  hideModels: true,
  authentication: { preferredSecurityScheme: "bearer" },
  metaData: { title: "Muniment API reference" },
});
