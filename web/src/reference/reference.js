// The API reference at /api/v3/: shows the server's own OpenAPI document, and asks nobody but this server.

import "./policy.js";
import { createApiReference } from "@scalar/api-reference";
import "@scalar/api-reference/style.css";
import "./reference.css";

const place = document.querySelector("#reference");

createApiReference(place, {
  url: place.dataset.document,
  theme: "default",
  withDefaultFonts: false,
  metaData: { title: document.title },
  // A request from this page goes to this server with the session of whoever is signed in, or with the token given here.
  authentication: { preferredSecurityScheme: "authentik" },
  persistAuth: false,
  defaultHttpClient: { targetKey: "shell", clientKey: "curl" },
  hiddenClients: ["clojure", "fsharp", "julia"],
  documentDownloadType: "direct",
  showOperationId: true,
  // What the viewer would do with services of its maker.
  telemetry: false,
  agent: { disabled: true },
  mcp: { disabled: true },
  hideClientButton: true,
  showDeveloperTools: "never",
});
