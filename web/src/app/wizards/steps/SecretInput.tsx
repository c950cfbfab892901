// What is typed and never shown again.

import { PasswordInput, type PasswordInputProps } from "@mantine/core";

import { t } from "../../lib/i18n";

export const SecretInput = ({ error, ...more }: PasswordInputProps) => (
  <PasswordInput {...more} error={error} aria-invalid={error ? true : undefined} autoComplete="new-password" visibilityToggleButtonProps={{ "aria-label": t("form.reveal") }} />
);
