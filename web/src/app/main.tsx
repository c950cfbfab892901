// The administrators' application.

import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "../../../crates/web/static/tokens.css";
import "./app.css";

import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { setNonce } from "get-nonce";
import { useLayoutEffect } from "react";
import { createRoot } from "react-dom/client";

import { loadLanguage, t } from "./lib/i18n";
import { nonce } from "./lib/nonce";
import { client } from "./lib/queries";
import { router } from "./router";
import { schemes, theme, variables } from "./theme";

const place = document.querySelector("#application");
await loadLanguage();
if (nonce) setNonce(nonce);
const named = { ...theme, components: { ...theme.components, Notification: { defaultProps: { closeButtonProps: { "aria-label": t("action.close") } } } } };

/** Takes the outline away that stands there before there is anything to see. */
const Drawn = () => {
  useLayoutEffect(() => document.querySelector("#outline")?.remove(), []);
  return null;
};

if (place) createRoot(place).render(
  <MantineProvider theme={named} colorSchemeManager={schemes} cssVariablesResolver={variables} defaultColorScheme="auto" getStyleNonce={() => nonce}>
    <QueryClientProvider client={client}>
      <Notifications position="bottom-right" />
      <RouterProvider router={router} />
      <Drawn />
    </QueryClientProvider>
  </MantineProvider>,
);
