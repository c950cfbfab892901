// A list of objects: search, filters, order, pages, columns, and what can be done with those that are selected.

import { ActionIcon, Button, Checkbox, CloseButton, Group, Menu, NativeSelect, Pagination, Skeleton, Stack, Table, Text, TextInput, UnstyledButton } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconArrowDown, IconArrowUp, IconColumns, IconDots, IconFilter, IconPencil, IconSearch, IconSearchOff, IconTrash } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useState, type ReactNode } from "react";

import type { Query, Row } from "../lib/api";
import { nameOf, number } from "../lib/format";
import { count, t, term } from "../lib/i18n";
import { linkOf, list, pathOf } from "../lib/queries";
import type { Api, Field, Resource } from "../lib/schema";
import { iconOf } from "../nav";
import { Empty, Lines, Wrong } from "../shell/States";
import { isUnderWay, SOON } from "../system/tasks";
import { Cell } from "./Cell";
import { keep, kept, possible } from "./columns";

export type Asked = Record<string, string | undefined>;

interface Props {
  api: Api;
  resource: Resource;
  /** What is asked, and how it is changed: the address of the page, or a state within it. */
  asked: Asked;
  ask: (asked: Asked) => void;
  /** Conditions that cannot be taken away. */
  fixed?: Query;
  create?: ReactNode;
  /** Said where there is nothing at all. */
  nothing?: ReactNode;
  label?: string;
}

const DeleteDialog = lazy(() => import("./DeleteDialog"));
const FilterField = lazy(() => import("./FilterField"));

const SIZES = ["20", "50", "100"];

/** The resource of a row: of its kind, where the list is of many kinds. */
export const ownOf = (api: Api, resource: Resource, row: Row): Resource => api.ofModel(row.meta_model_name) ?? resource;

export const ResourceTable = ({ api, resource, asked, ask, fixed = {}, create, nothing, label }: Props) => {
  const [columns, setColumns] = useState(() => kept(resource));
  const [selected, setSelected] = useState<Row[]>([]);
  const [deleting, setDeleting] = useState<Row[]>([]);
  const { search, page, ordering, page_size, ...filters } = asked;
  const many = new Set(resource.filters.filter(({ kind }) => kind === "choices").map(({ name }) => name));
  const conditions = Object.fromEntries(Object.entries(filters).map(([name, value]) => [name, many.has(name) ? value?.split(",") : value]));
  const query: Query = { page_size: page_size ?? SIZES[0], ...conditions, search, ordering, page, ...fixed };
  const { data, error, isPending, isFetching, refetch } = useQuery({ queryKey: ["list", resource.path, query], queryFn: () => list(pathOf(resource), query), placeholderData: keepPreviousData, refetchInterval: ({ state }) => (state.data?.results.some(isUnderWay) ? SOON : false) });
  const shown = columns.map((name) => resource.fields.find((field) => field.name === name)).filter((field): field is Field => Boolean(field));
  const change = (more: Asked) => { setSelected([]); ask({ ...asked, page: undefined, ...more }); };
  const rows = data?.results ?? [];
  const narrowed = Boolean(search) || Object.values(filters).some(Boolean);
  const key = (row: Row) => String(row[resource.key] ?? row.pk);
  const isSelected = (row: Row) => selected.some((one) => key(one) === key(row));
  const deletable = resource.deletable;
  const chosen = { columns, setColumns: (names: string[]) => { setColumns(names); keep(resource, names); } };
  return (
    <Stack gap="sm">
      <Group gap="xs" role="search" aria-label={label ?? resource.many}>
        {resource.search && <Search value={search ?? ""} ask={(text) => change({ search: text || undefined })} />}
        <Filters api={api} resource={resource} filters={filters} fixed={fixed} change={change} />
        <Columns resource={resource} {...chosen} />
        {selected.length > 0 && (
          <Group gap="xs" ml="auto">
            <Text size="sm" role="status">{count("list.selected", selected.length)}</Text>
            <Button size="sm" color="red" variant="light" leftSection={<IconTrash size={16} />} onClick={() => setDeleting(selected)}>{t("action.delete")}</Button>
          </Group>
        )}
      </Group>
      {error && !data ? <Wrong error={error} retry={() => void refetch()} /> : isPending ? <div className="card"><Lines /></div> : rows.length === 0 ? (
        <div className="card">
          {narrowed
            ? <Empty icon={IconSearchOff} title={t("list.notFound")} action={<Button variant="default" onClick={() => ask({})}>{t("list.clear")}</Button>}>{t("list.notFoundWhat")}</Empty>
            : <Empty icon={iconOf(resource.path)} title={t("list.empty", { what: resource.many })} action={create}>{nothing ?? (create ? t("list.emptyWhat") : t("list.emptyWait"))}</Empty>}
        </div>
      ) : (
        <div className="card sheet" data-cards tabIndex={0} role="region" aria-label={label ?? resource.many} aria-busy={isFetching}>
          <Table verticalSpacing={0} horizontalSpacing={0}>
            <Table.Thead>
              <Table.Tr>
                {deletable && <Table.Th w={44}><Checkbox size="xs" aria-label={t("list.all")} checked={selected.length === rows.length} indeterminate={selected.length > 0 && selected.length < rows.length} onChange={(event) => setSelected(event.currentTarget.checked ? rows : [])} /></Table.Th>}
                {shown.map((field) => <Head key={field.name} field={field} ordering={resource.ordering ? ordering : undefined} sortable={resource.ordering && sortable(field)} order={(name) => change({ ordering: name })} />)}
                <Table.Th w={48}><span className="sr">{t("list.actions")}</span></Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((row) => (
                <Table.Tr key={key(row)} data-selected={isSelected(row) || undefined}>
                  {deletable && <Table.Td className="check"><Checkbox size="xs" aria-label={t("list.select", { name: nameOf(row) })} checked={isSelected(row)} onChange={(event) => setSelected(event.currentTarget.checked ? [...selected, row] : selected.filter((one) => key(one) !== key(row)))} /></Table.Td>}
                  {shown.map((field, index) => (
                    <Table.Td key={field.name} className={index === 0 ? "first" : undefined} data-label={field.label} data-empty={index > 0 && isEmpty(row[field.name]) ? true : undefined}>
                      {index === 0 ? <Name api={api} resource={resource} row={row} field={field} /> : <Cell field={field} value={row[field.name]} />}
                    </Table.Td>
                  ))}
                  <Table.Td className="tools"><Tools api={api} resource={resource} row={row} remove={() => setDeleting([row])} /></Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </div>
      )}
      {data && rows.length > 0 && (
        <Group justify="space-between" gap="sm">
          <Text size="sm" c="dimmed" role="status">{t("list.range", { from: number(data.pagination.start_index), to: number(data.pagination.end_index), of: number(data.pagination.count) })}</Text>
          {data.pagination.total_pages > 1 && <Pagination size="sm" total={data.pagination.total_pages} value={data.pagination.current} onChange={(next) => { setSelected([]); ask({ ...asked, page: String(next) }); }} getControlProps={(control) => ({ "aria-label": t(`list.${control}` as "list.next") })} getItemProps={(page) => ({ "aria-label": t("list.page", { page }) })} />}
          {data.pagination.count > 20 && <NativeSelect size="xs" w={130} aria-label={t("list.size")} data={SIZES.map((value) => ({ value, label: t("list.perPage", { count: value }) }))} value={page_size ?? SIZES[0]!} onChange={(event) => change({ page_size: event.currentTarget.value })} />}
        </Group>
      )}
      <Suspense>{deleting.length > 0 && <DeleteDialog targets={deleting.map((row) => ({ resource: ownOf(api, resource, row), row }))} close={(done) => { setDeleting([]); if (done) setSelected([]); }} />}</Suspense>
    </Stack>
  );
};

const sortable = (field: Field) => !["references", "texts", "objects", "object", "json", "choices"].includes(field.kind) && !field.name.endsWith("_obj") && !/^(verbose_name|component|current|mode_verbose|bound_to|assigned_.*)$/.test(field.name);

const isEmpty = (value: unknown) => value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0);

const Search = ({ value, ask }: { value: string; ask: (text: string) => void }) => {
  const [text, setText] = useState(value);
  const later = useDebouncedCallback(ask, 250);
  return (
    <TextInput value={text} onChange={(event) => { setText(event.currentTarget.value); later(event.currentTarget.value); }} placeholder={t("list.search")} aria-label={t("list.search")}
      type="search" leftSection={<IconSearch size={16} aria-hidden />} w={{ base: "100%", xs: 300 }} />
  );
};

const Filters = ({ api, resource, filters, fixed, change }: { api: Api; resource: Resource; filters: Asked; fixed: Query; change: (asked: Asked) => void }) => {
  const usable = resource.filters.filter((filter) => !(filter.name in fixed));
  const [added, setAdded] = useState<string[]>([]);
  const visible = usable.filter(({ name }) => filters[name] !== undefined || added.includes(name));
  const rest = usable.filter((filter) => !visible.includes(filter));
  return (
    <>
      {visible.map((filter) => (
        <Group key={filter.name} gap={2} wrap="nowrap">
          <Suspense fallback={<Skeleton w={200} h={40} />}><FilterField api={api} filter={filter} value={filters[filter.name]} change={(value) => change({ [filter.name]: value })} /></Suspense>
          <CloseButton size="sm" aria-label={t("list.unfilter", { name: filter.label })} onClick={() => { setAdded(added.filter((name) => name !== filter.name)); change({ [filter.name]: undefined }); }} />
        </Group>
      ))}
      {rest.length > 0 && (
        <Menu position="bottom-start">
          <Menu.Target><Button variant="default" leftSection={<IconFilter size={16} />}>{t("list.filter")}</Button></Menu.Target>
          <Menu.Dropdown mah={360} className="scrolls">{rest.map((filter) => <Menu.Item key={filter.name} onClick={() => setAdded([...added, filter.name])}>{filter.label}</Menu.Item>)}</Menu.Dropdown>
        </Menu>
      )}
    </>
  );
};

const Columns = ({ resource, columns, setColumns }: { resource: Resource; columns: string[]; setColumns: (names: string[]) => void }) => (
  <Menu position="bottom-start" closeOnItemClick={false}>
    <Menu.Target><Button variant="default" leftSection={<IconColumns size={16} />}>{t("list.columns")}</Button></Menu.Target>
    <Menu.Dropdown mah={360} className="scrolls">
      {possible(resource).map(({ name, label }) => (
        <Menu.CheckboxItem key={name} checked={columns.includes(name)} disabled={columns.length === 1 && columns[0] === name}
          onChange={(shown) => setColumns(shown ? [...columns, name] : columns.filter((one) => one !== name))}>{label}</Menu.CheckboxItem>
      ))}
    </Menu.Dropdown>
  </Menu>
);

const Head = ({ field, ordering, sortable, order }: { field: Field; ordering?: string; sortable: boolean; order: (name: string | undefined) => void }) => {
  const up = ordering === field.name;
  const down = ordering === `-${field.name}`;
  if (!sortable) return <Table.Th>{field.label}</Table.Th>;
  return (
    <Table.Th aria-sort={up ? "ascending" : down ? "descending" : "none"}>
      <UnstyledButton className="order" onClick={() => order(up ? `-${field.name}` : down ? undefined : field.name)}>
        {field.label}{up && <IconArrowUp size={14} aria-hidden />}{down && <IconArrowDown size={14} aria-hidden />}
      </UnstyledButton>
    </Table.Th>
  );
};

const Name = ({ api, resource, row, field }: { api: Api; resource: Resource; row: Row; field: Field }) => {
  const own = ownOf(api, resource, row);
  const value = row[field.name];
  const plain = typeof value === "string" || typeof value === "number" ? String(value) : nameOf(value && typeof value === "object" ? value : row);
  const text = field.worded ? term(plain) : plain;
  return own.detail ? <Link className="name" to={linkOf(own, row)}>{text || nameOf(row)}</Link> : <Text component="span" fw={500}>{text || nameOf(row)}</Text>;
};

const Tools = ({ api, resource, row, remove }: { api: Api; resource: Resource; row: Row; remove: () => void }) => {
  const own = ownOf(api, resource, row);
  const navigate = useNavigate();
  if (!own.detail && !own.deletable) return null;
  return (
    <Menu position="bottom-end">
      <Menu.Target><ActionIcon variant="subtle" color="gray" className="plain" aria-label={t("list.more", { name: nameOf(row) })}><IconDots size={18} /></ActionIcon></Menu.Target>
      <Menu.Dropdown>
        {own.detail && <Menu.Item leftSection={<IconPencil size={16} aria-hidden />} onClick={() => void navigate({ to: linkOf(own, row) })}>{own.change ? t("action.edit") : t("action.open")}</Menu.Item>}
        {own.deletable && <Menu.Item color="red" leftSection={<IconTrash size={16} aria-hidden />} onClick={remove}>{t("action.delete")}</Menu.Item>}
      </Menu.Dropdown>
    </Menu>
  );
};
