// What was agreed with the provider: its names for us, our address, its addresses.

import { Anchor, Button, Code, CopyButton, Group, Stack, Switch, Text, Textarea, TextInput } from "@mantine/core";
import { IconCheck, IconCopy, IconExternalLink } from "@tabler/icons-react";

import { slugify } from "../../lib/format";
import { t } from "../../lib/i18n";
import { Part } from "../steps/Choices";
import { SecretInput } from "../steps/SecretInput";
import type { Steps } from "../steps/useSteps";
import { addressing, callbackOf, speaksOpenId, type Provider, type Values } from "./values";

/** Where an application is registered at providers that there is one of. */
const REGISTER: Record<string, string> = {
  apple: "https://developer.apple.com/account/resources/identifiers/list/serviceId",
  discord: "https://discord.com/developers/applications",
  entraid: "https://entra.microsoft.com/",
  facebook: "https://developers.facebook.com/apps/",
  github: "https://github.com/settings/developers",
  gitlab: "https://gitlab.com/-/user_settings/applications",
  google: "https://console.cloud.google.com/apis/credentials",
  patreon: "https://www.patreon.com/portal/registration/register-clients",
  reddit: "https://www.reddit.com/prefs/apps",
  slack: "https://api.slack.com/apps",
  twitch: "https://dev.twitch.tv/console/apps",
  twitter: "https://developer.x.com/en/portal/dashboard",
  wechat: "https://open.weixin.qq.com/",
};

const SINGLE = ["authorization_url", "access_token_url", "profile_url"] as const;

export const Connection = ({ provider, steps: { values, set, errors } }: { provider: Provider; steps: Steps<Values> }) => {
  const text = (field: "name" | "slug" | "consumer_key" | "oidc_well_known_url" | "oidc_jwks_url" | (typeof SINGLE)[number]) => ({
    value: values[field], error: errors[field], autoComplete: "off", onChange: ({ currentTarget: { value } }: React.ChangeEvent<HTMLInputElement>) => set({ [field]: value }),
  });
  const apple = provider.name === "apple";
  const secret = { label: t("source.secret"), value: values.consumer_secret, error: errors.consumer_secret, required: true };
  const how = addressing(provider, values.single);
  return (
    <>
      <TextInput {...text("name")} label={t("field.name")} description={t("source.nameWhat")} required
        onChange={({ currentTarget: { value } }) => set({ name: value, ...(values.slug === slugify(values.name) && { slug: slugify(value) }) })} />
      <TextInput {...text("slug")} label={t("field.slug")} description={t("source.slugWhat")} required />
      <Part title={t("source.there", { name: provider.verbose_name })} about={t("source.thereWhat")}>
        <Callback slug={values.slug} />
        {REGISTER[provider.name] && <Anchor href={REGISTER[provider.name]} target="_blank" rel="noreferrer" size="sm" w="fit-content">{t("source.register", { name: provider.verbose_name })} <IconExternalLink size={14} aria-hidden /></Anchor>}
        <TextInput {...text("consumer_key")} label={t("source.key")} description={t(apple ? "source.keyApple" : "source.keyWhat")} required />
        {apple
          ? <Textarea {...secret} description={t("source.secretApple")} autosize minRows={3} maxRows={10} onChange={({ currentTarget: { value } }) => set({ consumer_secret: value })} styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }} />
          : <SecretInput {...secret} description={t("source.secretWhat")} onChange={({ currentTarget: { value } }) => set({ consumer_secret: value })} />}
      </Part>
      {(how !== "known" || provider.urls_customizable) && (
        <Part title={t("source.addresses")}>
          {how === "metadata" && <TextInput {...text("oidc_well_known_url")} label={t("source.oidc_well_known_url")} description={t("source.wellKnownWhat")} inputMode="url" required />}
          {(speaksOpenId(provider) || provider.authorization_url) && <Switch label={t(speaksOpenId(provider) ? "source.single" : "source.own", { name: provider.verbose_name })} checked={values.single} onChange={({ currentTarget: { checked } }) => set({ single: checked })} />}
          {how === "single" && SINGLE.map((field) => <TextInput key={field} {...text(field)} label={t(`source.${field}`)} description={provider[field] ? t("source.usually", { address: provider[field] }) : undefined} inputMode="url" required={!provider[field]} />)}
          {how === "single" && <TextInput {...text("oidc_jwks_url")} label={t("source.oidc_jwks_url")} description={t("source.jwksWhat")} inputMode="url" />}
        </Part>
      )}
    </>
  );
};

/** Where the provider leads people back to, to be copied. */
const Callback = ({ slug }: { slug: string }) => (
  <Stack gap={4}>
    <Text size="sm" fw={500}>{t("source.callback")}</Text>
    {slug ? (
      <Group gap="xs">
        <Code className="callback">{callbackOf(slug)}</Code>
        <CopyButton value={callbackOf(slug)}>{({ copied, copy }) => <Button size="xs" variant="default" leftSection={copied ? <IconCheck size={14} /> : <IconCopy size={14} />} onClick={copy}>{copied ? t("action.copied") : t("action.copy")}</Button>}</CopyButton>
      </Group>
    ) : <Text size="sm" c="dimmed">{t("source.callbackWait")}</Text>}
  </Stack>
);
