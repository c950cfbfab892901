// What its owner has to be given: a token, a link, or nothing but patience until the mail has come.

import { Button, Group, Stack, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";

import { t } from "../../lib/i18n";
import { Secret } from "../../objects/actions";

export interface Handing {
  name: string;
  pk: number;
  token?: string;
  link?: string;
  mailed?: string;
}

/** Shown here and nowhere else. */
export const Handed = ({ handing: { token, link } }: { handing: Handing }) => (
  <section className="card pad" aria-label={t(token ? "user.token" : "user.recovery")}>
    <Stack gap="sm">
      <Text>{t(token ? "user.tokenWhat" : "user.linkWhat")}</Text>
      <Secret text={token ?? link ?? ""} />
    </Stack>
  </section>
);

export const Done = ({ handing, another }: { handing: Handing; another: () => void }) => (
  <Stack>
    {handing.mailed ? <div className="card pad" role="status"><Text>{t("user.mailed", { email: handing.mailed })}</Text></div> : <Handed handing={handing} />}
    <Group>
      <Button component={Link} to={`/core/users/${handing.pk}/`}>{t("user.openAccount")}</Button>
      <Button variant="default" onClick={another}>{t("user.another")}</Button>
    </Group>
  </Stack>
);
