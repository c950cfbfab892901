// The head of a page: its name, what it is about, and what can be done here.

import { Anchor, Breadcrumbs, Group, Stack, Text, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useEffect, type ReactNode } from "react";

import { useBrand } from "../lib/queries";

export const useTitle = (title: string) => {
  const brand = useBrand()?.branding_title ?? "Vestibule";
  useEffect(() => { document.title = `${title} · ${brand}`; }, [title, brand]);
};

export const PageHead = ({ title, about, trail = [], actions, badge }: { title: string; about?: ReactNode; trail?: { label: string; to: string }[]; actions?: ReactNode; badge?: ReactNode }) => {
  useTitle(title);
  return (
    <Stack gap={4} className="head">
      {trail.length > 0 && (
        <Breadcrumbs separator="›" separatorMargin={6} className="trail">
          {trail.map(({ label, to }) => <Anchor key={to} component={Link} to={to} size="sm">{label}</Anchor>)}
        </Breadcrumbs>
      )}
      <Group justify="space-between" align="center" gap="sm">
        <Group gap="sm" wrap="nowrap" miw={0}><Title order={1}>{title}</Title>{badge}</Group>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {about && <Text c="dimmed" maw={720}>{about}</Text>}
    </Stack>
  );
};
