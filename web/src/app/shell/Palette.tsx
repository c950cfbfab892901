// Search over everything: places, lists, what can be made, and the objects themselves.

import { Kbd, Loader, Modal, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconList, IconPlus, IconSearch, type Icon } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";

import { get } from "../lib/api";
import { nameOf } from "../lib/format";
import { t, term } from "../lib/i18n";
import { linkOf, useApi } from "../lib/queries";
import type { Api } from "../lib/schema";
import { PLACES, iconOf } from "../nav";
import { WIZARDS } from "../wizards/places";
import { useFocusBack } from "./focus";

interface Hit {
  id: string;
  title: string;
  what: string;
  /** Further words that find it. */
  also?: string;
  to: string;
  icon: Icon;
}

/** Lists whose objects are searched for. */
const SEARCHED = ["core/users", "core/groups", "core/applications", "flows/instances", "stages/all", "policies/all", "providers/all", "sources/all", "propertymappings/all", "core/brands"];

const places = (): Hit[] => PLACES.map(({ key, path, icon }) => ({ id: `place:${path}`, title: t(key), what: t("palette.place"), to: `/${path}`, icon }));

const lists = (api: Api | undefined): Hit[] => [...(api?.resources.values() ?? [])].flatMap((resource) => [
  { id: `list:${resource.path}`, title: resource.many, what: t("palette.list"), to: linkOf(resource), icon: IconList },
  ...(WIZARDS[resource.path] ? [] : resource.create ? [{ id: `new:${resource.path}`, title: t("palette.create", { name: resource.one }), what: t("palette.action"), to: linkOf(resource, undefined, "~new"), icon: IconPlus }] : []),
]);

/** What is made step by step; found by the words for making anything, too. */
const wizards = (): Hit[] => Object.values(WIZARDS).map(({ to, key }) => ({ id: `wizard:${to}`, title: t(key), what: t("palette.action"), also: t("palette.create", { name: "" }), to, icon: IconPlus }));

const objects = async (api: Api, query: string): Promise<Hit[]> => {
  const found = await Promise.all(SEARCHED.map(async (path) => {
    const resource = api.resources.get(path);
    if (!resource) return [];
    const answer = await get(`${path}/`, { search: query, page_size: 4 }).catch(() => null);
    return (answer?.results ?? []).map((row: any): Hit => {
      const own = api.ofModel(row.meta_model_name) ?? resource;
      return { id: `${path}:${row.pk}`, title: nameOf(row), what: row.verbose_name ? term(row.verbose_name) : resource.one, to: linkOf(own, row), icon: iconOf(path) };
    });
  }));
  return found.flat();
};

const Palette = ({ close }: { close: () => void }) => {
  useFocusBack();
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const [asked] = useDebouncedValue(text.trim(), 150);
  const api = useApi();
  const navigate = useNavigate();
  const { data = [], isFetching } = useQuery({ queryKey: ["palette", asked], queryFn: () => objects(api!, asked), enabled: Boolean(api) && asked.length > 1, placeholderData: (before) => before });
  const hits = useMemo(() => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const matches = (hit: Hit) => words.every((word) => `${hit.title} ${hit.what} ${hit.also ?? ""}`.toLowerCase().includes(word));
    if (!words.length) return places();
    return [...places().filter(matches), ...(asked.length > 1 ? data : []), ...[...wizards(), ...lists(api)].filter(matches).slice(0, 12)].slice(0, 40);
  }, [text, asked, data, api]);
  useEffect(() => setAt(0), [text]);
  useEffect(() => { document.getElementById(`hit-${at}`)?.scrollIntoView({ block: "nearest" }); }, [at]);
  const go = (hit: Hit | undefined) => {
    if (!hit) return;
    close();
    void navigate({ to: hit.to });
  };
  const press = (event: React.KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) { event.preventDefault(); setAt((at + step + hits.length) % Math.max(hits.length, 1)); }
    if (event.key === "Enter") { event.preventDefault(); go(hits[at]); }
  };
  return (
    <Modal opened onClose={close} withCloseButton={false} padding={0} size="lg" yOffset="12vh" title={null} attributes={{ content: { "aria-label": t("shell.search") } }} classNames={{ body: "palette" }}>
      <TextInput data-autofocus variant="unstyled" size="lg" px="md" value={text} onChange={(event) => setText(event.currentTarget.value)} onKeyDown={press}
        aria-label={t("shell.search")} placeholder={t("palette.hint")} leftSection={<IconSearch size={20} aria-hidden />} rightSection={isFetching ? <Loader size={16} /> : <Kbd size="xs">Esc</Kbd>}
        role="combobox" aria-expanded aria-controls="hits" aria-activedescendant={hits.length ? `hit-${at}` : undefined} aria-autocomplete="list" />
      <div className="hits" id="hits" role="listbox" aria-label={t("palette.found")}>
        {hits.map((hit, index) => {
          const Picture = hit.icon;
          return (
            <div key={hit.id} id={`hit-${index}`} role="option" aria-selected={index === at} className="hit" onPointerMove={() => setAt(index)} onClick={() => go(hit)}>
              <Picture size={18} stroke={1.6} aria-hidden /><Text component="span" truncate>{hit.title}</Text><Text component="span" size="sm" c="dimmed">{hit.what}</Text>
            </div>
          );
        })}
      </div>
      {!hits.length && <Text p="md" c="dimmed" role="status">{t("palette.none")}</Text>}
    </Modal>
  );
};

export default Palette;
