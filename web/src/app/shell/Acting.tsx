// Says that somebody acts as another, and ends it.

import { Button, Text } from "@mantine/core";
import { useState } from "react";

import { call, type Row } from "../lib/api";
import { t } from "../lib/i18n";

const Acting = ({ user }: { user: Row }) => {
  const [failed, setFailed] = useState<string | null>(null);
  // Everything that is shown is somebody else's: the page begins anew.
  const end = () => call("GET", "core/users/impersonate_end/").then(() => location.assign(`/if/admin/core/users/${user.pk}/`), (error: Error) => setFailed(error.message));
  return (
    <div className="acting" role="status">
      <Text component="span" fw={500}>{failed ?? t("acting.as", { name: user.username })}</Text>
      <Button size="xs" variant="default" onClick={() => void end()}>{t("acting.end")}</Button>
    </div>
  );
};

export default Acting;
