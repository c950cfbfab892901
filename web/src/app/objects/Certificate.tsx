// A certificate: whom it names, how long it is good for, how it is recognized.

import { Button, Code, Stack } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";

import type { Row } from "../lib/api";
import { moment } from "../lib/format";
import { t } from "../lib/i18n";
import { Dot } from "../lists/Cell";

const SOON = 30 * 86_400_000;

const Certificate = ({ row }: { row: Row }) => {
  const left = row.cert_expiry ? Date.parse(row.cert_expiry) - Date.now() : Infinity;
  const state = left <= 0 ? "bad" : left < SOON ? "warn" : "ok";
  const facts: [string, React.ReactNode][] = [
    [t("cert.subject"), row.cert_subject],
    [t("cert.expiry"), row.cert_expiry && <Dot state={state}>{moment(row.cert_expiry)} · {t(state === "bad" ? "cert.expired" : state === "warn" ? "cert.soon" : "cert.valid")}</Dot>],
    [t("cert.keyType"), row.key_type && String(row.key_type).toUpperCase()],
    [t("cert.private"), t(row.private_key_available ? "cell.yes" : "cell.no")],
    [t("cert.sha256"), row.fingerprint_sha256 && <Fingerprint hex={row.fingerprint_sha256} />],
    [t("cert.sha1"), row.fingerprint_sha1 && <Fingerprint hex={row.fingerprint_sha1} />],
  ];
  return (
    <div className="card pad">
      <Stack>
        <dl className="facts">{facts.filter(([, value]) => value).map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
        {row.certificate_download_url && <Button component="a" href={row.certificate_download_url} variant="default" w="fit-content" leftSection={<IconDownload size={16} />}>{t("cert.download")}</Button>}
      </Stack>
    </div>
  );
};

/** As other programs print it: two digits at a time. */
const Fingerprint = ({ hex }: { hex: string }) => <Code style={{ overflowWrap: "anywhere" }}>{hex.replaceAll(":", "").replace(/(..)(?=.)/g, "$1:").toUpperCase()}</Code>;

export default Certificate;
