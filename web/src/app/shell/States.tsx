// What stands where nothing else can: waiting, nothing there, something wrong.

import { Alert, Button, Center, Code, Loader, Skeleton, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import { IconAlertTriangle, IconCompass, type Icon } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

import { ApiError } from "../lib/api";
import { t } from "../lib/i18n";

export const Waiting = () => <Center h={240}><Loader aria-label={t("state.loading")} /></Center>;

export const Lines = ({ count = 6 }: { count?: number }) => (
  <Stack gap="xs" aria-busy="true" aria-label={t("state.loading")} role="status" p="md">
    {Array.from({ length: count }, (_, index) => <Skeleton key={index} height={28} radius="sm" />)}
  </Stack>
);

export const Empty = ({ icon: Picture, title, children, action }: { icon: Icon; title: string; children?: ReactNode; action?: ReactNode }) => (
  <Stack className="empty" align="center" gap="xs">
    <ThemeIcon size={56} radius="xl" variant="light"><Picture size={28} stroke={1.5} /></ThemeIcon>
    <Text fw={650} size="lg">{title}</Text>
    {children && <Text c="dimmed" maw={460} ta="center">{children}</Text>}
    {action}
  </Stack>
);

/** Why something could not be had, in words, with the reference that the log has. */
export const Wrong = ({ error, retry }: { error: unknown; retry?: () => void }) => {
  const known = error instanceof ApiError ? error : undefined;
  const text = known?.status === 403 ? t("state.forbidden") : known?.status === 404 ? t("state.gone") : known ? known.message : error instanceof Error && !/fetch|network/i.test(error.message) ? error.message : t("state.offline");
  return (
    <Alert color="red" variant="light" icon={<IconAlertTriangle />} title={t("state.wrong")} role="alert">
      <Stack gap="xs" align="flex-start">
        <Text>{text}</Text>
        {known?.reference && <Text size="sm">{t("state.reference")} <Code>{known.reference}</Code></Text>}
        {retry && <Button size="xs" variant="default" onClick={retry}>{t("action.retry")}</Button>}
      </Stack>
    </Alert>
  );
};

export const Trouble = ({ error }: { error: unknown }) => <Stack p="lg"><Wrong error={error} retry={() => location.reload()} /></Stack>;

export const NotFound = () => (
  <Empty icon={IconCompass} title={t("state.notFound")} action={<Button component={Link} to="/">{t("state.home")}</Button>}>
    <Title order={1} className="sr">{t("state.notFound")}</Title>
    {t("state.notFoundWhat")}
  </Empty>
);
