// Every resource of the API, also those that have no place in the navigation.

import { Text, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { t } from "../lib/i18n";
import { linkOf, useApi } from "../lib/queries";
import { PageHead } from "../shell/PageHead";
import { Lines } from "../shell/States";

export const Everything = () => {
  const api = useApi();
  const [text, setText] = useState("");
  const all = [...(api?.resources.values() ?? [])].filter((one) => `${one.many} ${one.path}`.toLowerCase().includes(text.toLowerCase())).sort((one, other) => one.many.localeCompare(other.many));
  return (
    <>
      <PageHead title={t("nav.everything")} about={t("everything.what")} />
      <TextInput type="search" w={300} maw="100%" value={text} onChange={(event) => setText(event.currentTarget.value)} placeholder={t("list.search")} aria-label={t("list.search")} leftSection={<IconSearch size={16} aria-hidden />} />
      {!api ? <div className="card"><Lines /></div> : (
        <div className="kinds">
          {all.map((resource) => (
            <Link key={resource.path} className="kind tile" to={linkOf(resource)}><Text component="span" fw={500}>{resource.many}</Text><Text component="span" size="sm" c="dimmed">{resource.path}</Text></Link>
          ))}
        </div>
      )}
    </>
  );
};
