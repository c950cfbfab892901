// Which kind of a family a new object is to be.

import { Text, TextInput, UnstyledButton } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useState } from "react";

import { t } from "../lib/i18n";
import type { Api, Resource } from "../lib/schema";
import { useKinds } from "./kinds";

/** `begin`: whether a dialog begins with it. */
export const KindChooser = ({ api, family, choose, begin }: { api: Api; family: Resource; choose: (resource: Resource) => void; begin?: boolean }) => {
  const [text, setText] = useState("");
  const kinds = useKinds(api, family);
  const found = kinds.filter(({ name, description }) => `${name} ${description}`.toLowerCase().includes(text.toLowerCase()));
  // Whoever typed enough for one need not go to it.
  const press = (event: React.KeyboardEvent) => { if (event.key === "Enter" && text && found[0]) { event.preventDefault(); choose(found[0].resource); } };
  return (
    <div className="form" style={{ maxWidth: "none" }}>
      {kinds.length > 8 && <TextInput type="search" data-autofocus={begin || undefined} onKeyDown={press} w={300} maw="100%" value={text} onChange={(event) => setText(event.currentTarget.value)} placeholder={t("list.search")} aria-label={t("list.search")} leftSection={<IconSearch size={16} aria-hidden />} />}
      <div className="kinds">
        {found.map(({ resource, name, description }) => (
          <UnstyledButton key={resource.path} className="kind" onClick={() => choose(resource)}>
            <Text component="span" display="block" fw={500}>{name}</Text>
            {description && <Text component="span" display="block" size="sm" c="dimmed">{description}</Text>}
          </UnstyledButton>
        ))}
      </div>
    </div>
  );
};
