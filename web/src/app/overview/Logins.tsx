// Logins and failures over time, as a picture and as a table for those who cannot see it.

import { Group, Skeleton, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";

import { get, type Row } from "../lib/api";
import { number } from "../lib/format";
import { count, language, t } from "../lib/i18n";

const WIDTH = 720, HEIGHT = 220, LEFT = 36, BOTTOM = 28, TOP = 12;

interface Point {
  time: number;
  login: number;
  failed: number;
}

/** A point a day, or an hour where it is about one day: also where nothing happened. */
const points = (rows: Row[], days: number): Point[] => {
  const step = days === 1 ? 3_600_000 : 86_400_000;
  const floor = (time: number) => (days === 1 ? Math.floor(time / step) * step : new Date(time).setHours(0, 0, 0, 0));
  const last = floor(Date.now());
  const steps = days === 1 ? 24 : days;
  const all = Array.from({ length: steps }, (_, index) => ({ time: floor(last - (steps - 1 - index) * step + (days === 1 ? 0 : step / 12)), login: 0, failed: 0 }));
  for (const { action, time, count: many } of rows) {
    const at = all.find((point) => point.time === floor(Date.parse(time)));
    if (at) at[action === "login" ? "login" : "failed"] += many;
  }
  return all;
};

export const Logins = ({ days }: { days: number }) => {
  const { data, error } = useQuery({ queryKey: ["volume", days], queryFn: () => get<Row[]>("events/events/volume/", { actions: ["login", "login_failed"], history_days: days }), refetchInterval: 60_000 });
  const [at, setAt] = useState<number | null>(null);
  const all = useMemo(() => points(data ?? [], days), [data, days]);
  if (error) return <Text c="dimmed">{t("overview.noChart")}</Text>;
  if (!data) return <Skeleton height={HEIGHT} radius="md" />;
  const most = Math.max(4, ...all.map(({ login, failed }) => Math.max(login, failed)));
  const top = nice(most);
  const x = (index: number) => LEFT + (index * (WIDTH - LEFT - 8)) / Math.max(all.length - 1, 1);
  const y = (value: number) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - BOTTOM - TOP);
  const line = (name: "login" | "failed") => all.map((point, index) => `${index ? "L" : "M"}${x(index).toFixed(1)} ${y(point[name]).toFixed(1)}`).join("");
  const format = new Intl.DateTimeFormat(language, days === 1 ? { hour: "2-digit", minute: "2-digit" } : { day: "numeric", month: "short" });
  const every = Math.ceil(all.length / 7);
  const [logins, failures] = [all.reduce((sum, { login }) => sum + login, 0), all.reduce((sum, { failed }) => sum + failed, 0)];
  const chosen = at === null ? undefined : all[at];
  const move = (event: React.PointerEvent<SVGSVGElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const position = ((event.clientX - box.left) / box.width) * WIDTH;
    setAt(Math.min(Math.max(Math.round(((position - LEFT) / (WIDTH - LEFT - 8)) * (all.length - 1)), 0), all.length - 1));
  };
  return (
    <div>
      <Group gap="lg" mb="xs" mih={24}>
        <span className="key">{count("overview.login", chosen?.login ?? logins)}</span>
        <span className="key" data-failed>{count("overview.failure", chosen?.failed ?? failures)}</span>
        {chosen && <Text component="span" size="sm" c="dimmed">{format.format(chosen.time)}</Text>}
      </Group>
      <svg className="chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={t("overview.chart", { logins: number(logins), failures: number(failures), days: count("overview.days", days) })} onPointerMove={move} onPointerLeave={() => setAt(null)}>
        {[0, top / 2, top].map((value) => (
          <g key={value}><line className="grid" x1={LEFT} x2={WIDTH - 8} y1={y(value)} y2={y(value)} /><text x={LEFT - 8} y={y(value) + 4} textAnchor="end">{number(value)}</text></g>
        ))}
        {all.map((point, index) => index % every === 0 && <text key={point.time} x={x(index)} y={HEIGHT - 8} textAnchor={index === 0 ? "start" : index === all.length - 1 ? "end" : "middle"}>{format.format(point.time)}</text>)}
        <path className="area" d={`${line("login")}L${x(all.length - 1)} ${y(0)}L${x(0)} ${y(0)}Z`} />
        <path className="line" d={line("login")} />
        {failures > 0 && <path className="failed" d={line("failed")} />}
        {chosen && at !== null && <line className="hair" x1={x(at)} x2={x(at)} y1={TOP} y2={y(0)} />}
      </svg>
      <div className="sr"><table>
        <caption>{t("overview.logins")}</caption>
        <thead><tr><th scope="col">{t("events.when")}</th><th scope="col">{t("event.login")}</th><th scope="col">{t("event.login_failed")}</th></tr></thead>
        <tbody>{all.filter(({ login, failed }) => login || failed).map((point) => <tr key={point.time}><th scope="row">{format.format(point.time)}</th><td>{point.login}</td><td>{point.failed}</td></tr>)}</tbody>
      </table></div>
    </div>
  );
};

/** The next number that halves well. */
const nice = (value: number) => {
  const size = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 5, 6, 8, 10].map((factor) => factor * size).find((one) => one >= value && Number.isInteger(one / 2)) ?? value * 2;
};
