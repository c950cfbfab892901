// The page that a form makes, as it would be: beside the form, while somebody fills it in.

import { SegmentedControl, Text } from "@mantine/core";
import { useDebouncedValue, useElementSize } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";

import { ApiError, call, type Row } from "../lib/api";
import { t } from "../lib/i18n";
import { nonce } from "../lib/nonce";

const WIDTHS = { wide: { width: 1024, height: 720 }, phone: { width: 390, height: 780 } };

const Preview = ({ model, object, fields }: { model: string; object: string | null; fields: Row | undefined }) => {
  const [width, setWidth] = useState<keyof typeof WIDTHS>("wide");
  const [theme, setTheme] = useState(() => (document.documentElement.dataset.mantineColorScheme === "dark" ? "dark" : "light"));
  const [asked] = useDebouncedValue(fields && JSON.stringify(fields), 350);
  const { data, error, isPlaceholderData } = useQuery({
    queryKey: ["preview", model, object, asked, theme],
    queryFn: () => call<{ html: string; css: string }>("POST", "/api/vestibule/v1/flows/preview/", { model, object, fields: JSON.parse(asked ?? "{}"), theme }),
    enabled: asked !== undefined,
    placeholderData: keepPreviousData,
    retry: false,
    staleTime: 60_000,
  });
  const shown = useRef<{ html: string; css: string } | undefined>(undefined);
  if (data && !error) shown.current = data;
  // Whoever may not save it sees no preview either.
  if (error instanceof ApiError && error.status === 403) return null;
  const incomplete = Boolean(error);
  return (
    <section className="preview" aria-label={t("preview.title")}>
      <div className="preview-head">
        <Text fw={600}>{t("preview.title")}</Text>
        <SegmentedControl size="xs" aria-label={t("preview.width")} value={width} onChange={(next) => setWidth(next as keyof typeof WIDTHS)} data={[{ value: "wide", label: t("preview.wide") }, { value: "phone", label: t("preview.phone") }]} />
        <SegmentedControl size="xs" aria-label={t("preview.theme")} value={theme} onChange={setTheme} data={[{ value: "light", label: t("preview.light") }, { value: "dark", label: t("preview.dark") }]} />
      </div>
      <Frame page={shown.current} {...WIDTHS[width]} dim={incomplete || isPlaceholderData} />
      <Text size="sm" c="dimmed" role="status" mih="1.5em">{incomplete ? (error as Error).message : ""}</Text>
    </section>
  );
};

/** A page without what moves. (Nothing of it could: its frame runs no scripts.) */
const still = (html: string) => {
  const page = new DOMParser().parseFromString(html, "text/html");
  for (const script of page.querySelectorAll("script")) script.remove();
  for (const field of page.querySelectorAll("[autofocus]")) field.removeAttribute("autofocus");
  return `<!doctype html>${page.documentElement.outerHTML}`;
};

/** A page to be looked at: no script of it runs, nothing of it can be reached. */
const Frame = ({ page, width, height, dim }: { page: { html: string; css: string } | undefined; width: number; height: number; dim: boolean }) => {
  const { ref, width: room } = useElementSize();
  const frame = useRef<HTMLIFrameElement>(null);
  const scale = room ? Math.min(1, room / width) : 0;
  const html = useMemo(() => page && still(page.html), [page?.html]);
  // The brand's style is a text, not markup.
  const dress = () => {
    const inside = frame.current?.contentDocument;
    if (!inside?.head || !page?.css) return;
    const style = inside.createElement("style");
    style.nonce = nonce;
    style.textContent = page.css;
    inside.head.append(style);
  };
  useEffect(dress, [page?.css]);
  return (
    <div ref={ref} className="preview-frame" style={{ height: height * scale || undefined }} data-dim={dim || undefined} inert>
      {page && <iframe ref={frame} title={t("preview.title")} sandbox="allow-same-origin" tabIndex={-1} srcDoc={html} onLoad={dress} style={{ width, height, transform: `scale(${scale})`, left: Math.max(0, (room - width * scale) / 2) }} />}
    </div>
  );
};

export default Preview;
