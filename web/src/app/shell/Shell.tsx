// The frame: where one is, what else there is, search, theme, account.

import { ActionIcon, AppShell, Avatar, Burger, Group, Kbd, Menu, NavLink, Text, Tooltip, UnstyledButton, useMantineColorScheme, VisuallyHidden } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconApps, IconBook, IconDeviceDesktop, IconKeyboard, IconLogout, IconMoon, IconSearch, IconSun } from "@tabler/icons-react";
import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useCallback, useEffect, useRef } from "react";

import { t, type Key } from "../lib/i18n";
import { useActing, useBrand, useMe } from "../lib/queries";
import { OVERVIEW, PLACES, ROOMS, type Place } from "../nav";
import { useKeys } from "./keys";

const Acting = lazy(() => import("./Acting"));
const Keys = lazy(() => import("./Keys"));
const Palette = lazy(() => import("./Palette"));

const isAt = (place: Place, path: string) => {
  const here = path.replace(/^\/if\/admin/, "").replace(/^\/|\/$/g, "");
  if (!place.path) return here === "";
  const within = (one: Place) => one.path && (here === one.path || here.startsWith(`${one.path}/`));
  if (within(place)) return true;
  // What has no place of its own is shown with the list of all of its family.
  const family = place.path.endsWith("/all") ? place.path.slice(0, -3) : undefined;
  return Boolean(family && here.startsWith(family) && !PLACES.some((other) => other !== place && within(other)));
};

export const Shell = () => {
  const [open, { toggle, close }] = useDisclosure(false);
  const [searching, search] = useDisclosure(false);
  const [explaining, keys] = useDisclosure(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const main = useRef<HTMLElement>(null);
  const acting = useActing();
  const navigate = useNavigate();
  const go = useCallback((to: string) => void navigate({ to }), [navigate]);
  useKeys({ search: search.open, help: keys.open, go });
  useEffect(() => close(), [path, close]);
  // On another page the keyboard goes on where its content begins; where one arrived, at the very top.
  const was = useRef(path);
  useEffect(() => {
    if (was.current === path) return;
    was.current = path;
    main.current?.focus({ preventScroll: true });
  }, [path]);
  return (
    <AppShell header={{ height: 60 }} navbar={{ width: 248, breakpoint: "md", collapsed: { mobile: !open } }} padding={0}>
      <a className="skip" href="#content" onClick={(event) => { event.preventDefault(); main.current?.focus(); }}>{t("shell.skip")}</a>
      <AppShell.Header className="bar">
        <Group h="100%" px="md" gap="sm" wrap="nowrap">
          <Burger opened={open} onClick={toggle} hiddenFrom="md" size="sm" aria-label={t("shell.menu")} aria-expanded={open} aria-controls="places" />
          <Brand />
          <UnstyledButton className="search" onClick={search.open} aria-keyshortcuts="Control+K">
            <IconSearch size={18} aria-hidden />
            <Text component="span" size="sm" visibleFrom="sm">{t("shell.search")}</Text>
            <VisuallyHidden hiddenFrom="sm">{t("shell.search")}</VisuallyHidden>
            <Kbd size="xs" visibleFrom="sm" aria-hidden>Ctrl K</Kbd>
          </UnstyledButton>
          <Theme />
          <Account explain={keys.open} />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar className="places" id="places" aria-label={t("shell.places")}>
        <div className="places-list">
          <Entry place={OVERVIEW} path={path} />
          {ROOMS.map((room) => (
            <div key={room.key} role="group" aria-labelledby={`room-${room.key}`}>
              <Text id={`room-${room.key}`} className="room-name" component="h2">{t(room.key)}</Text>
              {room.places.map((place) => <Entry key={place.path} place={place} path={path} />)}
            </div>
          ))}
        </div>
      </AppShell.Navbar>
      <AppShell.Main id="content" ref={main} tabIndex={-1}>
        <Suspense>{acting && <Acting user={acting} />}</Suspense>
        <div className="page"><Outlet /></div>
      </AppShell.Main>
      <Suspense>{searching && <Palette close={search.close} />}</Suspense>
      <Suspense>{explaining && <Keys close={keys.close} />}</Suspense>
    </AppShell>
  );
};

const Entry = ({ place, path }: { place: Place; path: string }) => {
  const active = isAt(place, path);
  const Picture = place.icon;
  return (
    <NavLink component={Link} to={`/${place.path}`} label={t(place.key)} leftSection={<Picture size={18} stroke={1.6} aria-hidden />}
      active={active} aria-current={active ? "page" : undefined} className="place" />
  );
};

const Brand = () => {
  const brand = useBrand();
  const title = brand?.branding_title ?? "Vestibule";
  useEffect(() => { document.title = document.title.replace(/[^·]*$/, ` ${title}`).trim(); }, [title]);
  return (
    <Link to="/" className="home">
      <img src="/static/vestibule/favicon.svg" alt="" width={28} height={28} />
      <Text component="span" fw={650} visibleFrom="xs" truncate>{title}</Text>
      <VisuallyHidden>{t("shell.home")}</VisuallyHidden>
    </Link>
  );
};

const SCHEMES = [["light", IconSun], ["dark", IconMoon], ["auto", IconDeviceDesktop]] as const;

const Theme = () => {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const Current = SCHEMES.find(([name]) => name === colorScheme)?.[1] ?? IconDeviceDesktop;
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Tooltip label={t("theme.name")}>
          <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t("theme.name")} className="plain"><Current size={20} stroke={1.6} /></ActionIcon>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown>
        {SCHEMES.map(([name, Picture]) => (
          <Menu.Item key={name} leftSection={<Picture size={16} aria-hidden />} onClick={() => setColorScheme(name)} aria-current={name === colorScheme || undefined}>
            {t(`theme.${name}` as Key)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
};

const Account = ({ explain }: { explain: () => void }) => {
  const me = useMe();
  if (!me) return <Avatar radius="xl" size={34} />;
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <UnstyledButton className="account" aria-label={t("account.name", { name: me.username })}><Avatar src={me.avatar} name={me.name || me.username} color="accent" radius="xl" size={34} alt="" /></UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label><Text component="span" fw={650} c="var(--text)" display="block" truncate>{me.name || me.username}</Text>{me.email}</Menu.Label>
        <Menu.Divider />
        <Menu.Item component="a" href="/if/user/" leftSection={<IconApps size={16} aria-hidden />}>{t("account.mine")}</Menu.Item>
        <Menu.Item component="a" href="/api/v3/" leftSection={<IconBook size={16} aria-hidden />}>{t("account.api")}</Menu.Item>
        <Menu.Item leftSection={<IconKeyboard size={16} aria-hidden />} onClick={explain}>{t("keys.title")}</Menu.Item>
        <Menu.Divider />
        <Menu.Item component="a" href="/flows/-/default/invalidation/" leftSection={<IconLogout size={16} aria-hidden />}>{t("account.out")}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
};
