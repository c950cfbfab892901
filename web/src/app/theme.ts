// Mantine's theme, made of the tokens that the server's pages have (crates/web/static/tokens.css).

import { createTheme, defaultVariantColorsResolver, type CSSVariablesResolver, type MantineColorScheme, type MantineColorSchemeManager, type MantineColorsTuple } from "@mantine/core";

/** Shades that Mantine calculates with; what is drawn comes from the tokens (see `variables`). */
const ACCENT: MantineColorsTuple = ["#eaf6f1", "#d5ebe3", "#abd8c8", "#7ec4ab", "#59b393", "#40a884", "#2b8a6a", "#1f6f55", "#155a45", "#0b4635"];

export const theme = createTheme({
  primaryColor: "accent",
  primaryShade: { light: 8, dark: 3 },
  colors: { accent: ACCENT },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "Liberation Mono", monospace',
  defaultRadius: "md",
  radius: { sm: "6px", md: "10px", lg: "16px" },
  headings: { fontWeight: "650", sizes: { h1: { fontSize: "1.44rem", lineHeight: "1.25" }, h2: { fontSize: "1.1rem", lineHeight: "1.3" }, h3: { fontSize: "1rem", lineHeight: "1.4" } } },
  cursorType: "pointer",
  focusRing: "auto",
  respectReducedMotion: true,
  variantColorResolver: (input) => {
    const colors = defaultVariantColorsResolver(input);
    const isAccent = !input.color || input.color === "accent";
    return input.variant === "filled" && isAccent ? { ...colors, color: "var(--on-accent)" } : colors;
  },
});

const neutral = (name: string, scale: string[]) => Object.fromEntries(scale.map((value, index) => [`--mantine-color-${name}-${index}`, `var(--${value})`]));

const shared = {
  "--mantine-color-body": "var(--ground)",
  "--mantine-color-text": "var(--text)",
  "--mantine-color-dimmed": "var(--muted)",
  "--mantine-color-placeholder": "var(--muted)",
  "--mantine-color-anchor": "var(--accent)",
  "--mantine-color-error": "var(--bad)",
  "--mantine-color-default": "var(--field)",
  "--mantine-color-default-hover": "color-mix(in oklab, var(--text) 5%, var(--field))",
  "--mantine-color-default-color": "var(--text)",
  "--mantine-color-default-border": "var(--edge)",
  "--mantine-color-disabled": "var(--line)",
  "--mantine-color-disabled-color": "var(--muted)",
  "--mantine-color-accent-filled": "var(--accent)",
  "--mantine-color-accent-filled-hover": "color-mix(in oklab, var(--accent) 88%, var(--press))",
  "--mantine-color-accent-light": "color-mix(in oklab, var(--accent) 12%, transparent)",
  "--mantine-color-accent-light-hover": "color-mix(in oklab, var(--accent) 18%, transparent)",
  "--mantine-color-accent-light-color": "var(--accent)",
  "--mantine-color-accent-outline": "var(--accent)",
  "--mantine-color-accent-text": "var(--accent)",
  "--mantine-color-red-light": "var(--bad-soft)",
  "--mantine-color-red-light-hover": "var(--bad-soft)",
  "--mantine-color-red-light-color": "var(--bad)",
  "--mantine-color-red-filled": "var(--bad)",
  "--mantine-color-red-text": "var(--bad)",
  "--mantine-color-red-outline": "var(--bad)",
};

export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: { ...shared, ...neutral("gray", ["n1", "n2", "n3", "n3", "n4", "n5", "n6", "n7", "n8", "n9"]) },
  dark: { ...shared, ...neutral("dark", ["n1", "n3", "n4", "n5", "n8", "n8", "n9", "n10", "n10", "n10"]) },
});

const KEPT = "vestibule-theme";

/** The same choice that `theme.js` reads before anything is drawn. */
export const schemes: MantineColorSchemeManager = {
  get: () => {
    try {
      const kept = localStorage.getItem(KEPT);
      return kept === "light" || kept === "dark" ? kept : "auto";
    } catch {
      return "auto";
    }
  },
  set: (value: MantineColorScheme) => {
    if (value === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = value;
    try {
      if (value === "auto") localStorage.removeItem(KEPT);
      else localStorage.setItem(KEPT, value);
    } catch { /* It holds until the page is left. */ }
  },
  subscribe: () => {},
  unsubscribe: () => {},
  clear: () => {},
};
