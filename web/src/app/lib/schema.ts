// What the server's OpenAPI document says: which resources there are, and what each consists of.

import { humanize } from "./format";
import { language, perhaps, term } from "./i18n";
import known from "./known.json";

type Schema = Record<string, any>;

export type Kind =
  | "text" | "area" | "code" | "json" | "yaml" | "number" | "boolean" | "choice" | "choices" | "reference" | "references"
  | "moment" | "duration" | "texts" | "objects" | "object" | "other" | "file";

export interface Field {
  name: string;
  label: string;
  help: string;
  kind: Kind;
  required: boolean;
  nullable: boolean;
  readOnly: boolean;
  secret: boolean;
  default?: unknown;
  choices: { value: string; label: string }[];
  /** The model whose keys it holds. */
  model?: string;
  fields?: Field[];
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  format?: string;
  pattern?: string;
  integer?: boolean;
  /** Its values are the server's own words. */
  worded?: boolean;
}

export interface Filter extends Field {
  /** The name of the query parameter. */
  name: string;
}

export interface Resource {
  /** Its path below `/api/v3/`, without slashes around it; with a leading slash where it is elsewhere. */
  path: string;
  /** The field whose value stands in the path of one object. */
  key: string;
  /** The name of its answer's schema. */
  schema: string;
  one: string;
  many: string;
  detail: boolean;
  create?: Field[];
  change?: Field[];
  fields: Field[];
  filters: Filter[];
  search: boolean;
  ordering: boolean;
  deletable: boolean;
  usedBy: boolean;
  paginated: boolean;
  /** Further operations on one object: `set_password` of a user. */
  actions: Set<string>;
}

export class Api {
  readonly resources = new Map<string, Resource>();
  private readonly bySchema = new Map<string, Resource>();

  constructor(private readonly document: Schema) {
    for (const path of Object.keys(document.paths)) {
      const resource = this.resource(path);
      if (!resource) continue;
      this.resources.set(resource.path, resource);
      const known = resource.schema.toLowerCase();
      if (!this.bySchema.has(known) || resource.create) this.bySchema.set(known, resource);
    }
  }

  /** The resource of a model such as `authentik_flows.flow`, or of its bare name. */
  ofModel(model: string | undefined): Resource | undefined {
    return model ? this.bySchema.get((model.split(".").pop() ?? "").toLowerCase()) : undefined;
  }

  /** The resource that an address is about, and what is left of the address. */
  at(address: string): { resource: Resource; rest: string } | undefined {
    const parts = address.split("/").filter(Boolean);
    for (let length = parts.length; length > 0; length--) {
      const path = parts.slice(0, length).join("/");
      const resource = this.resources.get(path) ?? this.resources.get(`/${path}`);
      if (resource) return { resource, rest: parts.slice(length).join("/") };
    }
    return undefined;
  }

  /** An object that there is one of, at a path of its own. */
  single(path: string): Resource | undefined {
    const operations = this.document.paths[`/${path}/`];
    const body = operations?.patch?.requestBody?.content?.["application/json"]?.schema;
    const answer = operations?.get?.responses?.["200"]?.content?.["application/json"]?.schema;
    if (!body || !answer) return undefined;
    return {
      path, key: "", schema: this.name(answer), one: term(humanize(path.split("/").pop() ?? path)), many: "", detail: false, change: this.fields(this.resolve(body)), fields: this.fields(this.resolve(answer)),
      filters: [], search: false, ordering: false, deletable: false, usedBy: false, paginated: false, actions: new Set(),
    };
  }

  private resolve(schema: Schema | undefined): Schema {
    if (!schema) return {};
    if (schema.$ref) return this.resolve(this.document.components.schemas[schema.$ref.split("/").pop()]);
    if (schema.allOf?.length === 1) return { ...this.resolve(schema.allOf[0]), ...schema, allOf: undefined };
    return schema;
  }

  private name(schema: Schema | undefined): string {
    return String(schema?.$ref ?? "").split("/").pop() ?? "";
  }

  /** Another way to make what a resource holds: an operation below it. */
  making(resource: Resource, operation: string): Resource | undefined {
    const path = `${resource.path}/${operation}`;
    const schema = this.document.paths[`/${path}/`]?.post?.requestBody?.content?.["application/json"]?.schema;
    return schema && { ...resource, path, create: this.fields(this.resolve(schema)), change: undefined };
  }

  private resource(path: string): Resource | undefined {
    const operations = this.document.paths[path];
    const listed = operations.get?.responses?.["200"]?.content?.["application/json"]?.schema;
    if (!listed || path.includes("{")) return undefined;
    // What cannot be listed without a condition is an operation.
    if ((operations.get.parameters ?? []).some((one: Schema) => this.parameter(one).required)) return undefined;
    const page = this.resolve(listed);
    const items = page.properties?.results?.items ?? (page.type === "array" ? page.items : undefined);
    const schema = this.name(items);
    if (!schema) return undefined;
    const detail = Object.keys(this.document.paths).find((other) => other.startsWith(`${path}{`) && /^\{[^}]+\}\/$/.test(other.slice(path.length)));
    if (!detail && !page.properties?.results) return undefined;
    const one = detail ? this.document.paths[detail] : {};
    const answer = this.resolve(items);
    const parameter = detail ? detail.slice(path.length + 1, -2) : "pk";
    const fields = this.fields(answer).map((field) => (path.startsWith("/tasks/") && field.name === "description" ? { ...field, worded: true } : field));
    const body = (operation: Schema | undefined) => this.resolve(operation?.requestBody?.content?.["application/json"]?.schema ?? operation?.requestBody?.content?.["multipart/form-data"]?.schema);
    const parameters = (operations.get.parameters ?? []).map((one: Schema) => this.parameter(one));
    const named = (name: string) => parameters.some((one: Schema) => one.name === name);
    const patch = one.patch && body(one.patch);
    const put = one.put && this.fields(body(one.put));
    const create = operations.post && this.fields(body(operations.post));
    // A partial update names nothing that it requires, and a whole one does.
    const change = patch ? this.fields(patch).map((field) => ({ ...field, required: put?.find((other: Field) => other.name === field.name)?.required ?? false })) : put;
    const below = detail ? Object.keys(this.document.paths).filter((other) => other.startsWith(detail) && other !== detail) : [];
    const plural = /^Lists: (.*)\.$/.exec(operations.get.description ?? "")?.[1];
    return {
      path: path.startsWith("/api/") ? path.replace(/\/$/, "") : path.replace(/^\/|\/$/g, ""),
      key: answer.properties?.[parameter] ? parameter : "pk",
      schema,
      one: term(answer.description || humanize(schema.replace(/(?<=[a-z])(?=[A-Z])/g, " "))),
      many: term(plural ?? humanize(path.split("/").filter(Boolean).pop() ?? schema)),
      detail: Boolean(one.get),
      create, change, fields,
      filters: parameters.filter((one: Schema) => !RESERVED.has(one.name)).map((one: Schema) => this.filter(one, fields)),
      search: named("search"), ordering: named("ordering"),
      deletable: Boolean(one.delete),
      usedBy: below.some((other) => other.endsWith("/used_by/")),
      paginated: Boolean(page.properties?.results),
      actions: new Set(below.map((other) => other.slice(detail!.length).replace(/\/$/, ""))),
    };
  }

  private parameter(parameter: Schema): Schema {
    return parameter.$ref ? this.document.components.parameters[parameter.$ref.split("/").pop()] : parameter;
  }

  private filter(parameter: Schema, fields: Field[]): Filter {
    const own = this.field(parameter.name, parameter.schema ?? {}, false);
    const same = fields.find((field) => field.name === parameter.name);
    return { ...own, help: term(parameter.description ?? ""), ...(same?.model && (own.kind === "text" || own.kind === "number") && { kind: "reference" as const, model: same.model }) };
  }

  fields(schema: Schema): Field[] {
    const required = new Set<string>(schema.required ?? []);
    return Object.entries<Schema>(schema.properties ?? {}).map(([name, property]) => this.field(name, property, required.has(name)));
  }

  private field(name: string, raw: Schema, required: boolean): Field {
    const schema = this.resolve(raw);
    const own = schema["x-vestibule"] ?? {};
    const items = this.resolve(schema.items);
    const inner = raw["x-vestibule"] ?? {};
    const choicesOf = schema.enum ? schema : items.enum ? items : undefined;
    const labels: string[] | undefined = (schema.enum ? this.resolve(raw.allOf?.[0] ?? raw) : items)["x-vestibule"]?.labels;
    const hints = { ...own, ...inner };
    const field: Field = {
      name, required,
      label: labelOf(name, schema.title),
      help: term(schema.description ?? ""),
      kind: "other",
      nullable: Boolean(schema.nullable),
      readOnly: Boolean(schema.readOnly),
      secret: Boolean(hints.secret || schema.writeOnly) && schema.type === "string",
      default: hints.default ?? schema.default,
      choices: choicesFrom((choicesOf?.enum ?? []).filter((value: unknown) => typeof value === "string"), labels),
      model: hints.model,
      minimum: schema.minimum, maximum: schema.maximum, maxLength: schema.maxLength,
      format: hints.format ?? schema.format, pattern: schema.pattern, integer: schema.type === "integer", worded: /(^|_)verbose(_|$)/.test(name),
    };
    field.model ??= schema.type === "array" && (items.type === "integer" || items.format === "uuid") ? KEYS.find(([pattern]) => pattern.test(name))?.[1] : undefined;
    field.kind = kindOf(name, schema, items, field);
    if (field.kind === "objects") field.fields = this.fields(items);
    if (field.kind === "object") field.fields = this.fields(schema);
    return field;
  }
}

/** What a field is called. */
export const labelOf = (name: string, title?: string): string => perhaps(`field.${name}`) ?? term(title ?? humanize(name));

const COUNTRY = /^[A-Z]{2}$/;
/** What is longer than this is looked through by its letters. */
const LONG_CHOICE = 30;

/** What can be chosen, in words. Countries are what the browser calls them. */
const choicesFrom = (values: string[], labels: string[] | undefined): Field["choices"] => {
  const countries = values.length > 0 && values.every((value) => COUNTRY.test(value)) ? new Intl.DisplayNames(language, { type: "region" }) : undefined;
  const choices = values.map((value, index) => ({ value, label: countries?.of(value) ?? term(labels?.[index] ?? humanize(value)) }));
  return choices.length > LONG_CHOICE ? choices.sort((one, other) => one.label.localeCompare(other.label, language)) : choices;
};

/** Parameters of lists that are no filters. */
const RESERVED = new Set(known.reserved);
/** Lists of keys whose model the document does not name. */
const KEYS: [RegExp, string][] = [[/providers$/, "authentik_core.provider"], [/sources$/, "authentik_core.source"]];
const LONG = /description|template|text|body|message|markdown|html|css|certificate|key_data|metadata|customization/;

const kindOf = (name: string, schema: Schema, items: Schema, field: Field): Kind => {
  if (field.model) return schema.type === "array" ? "references" : "reference";
  if (field.format === "expression") return "code";
  if (schema.enum) return "choice";
  if (schema.type === "array") {
    if (items.enum) return "choices";
    if (items.type === "object" && items.properties) return "objects";
    if (items.type === "string" || items.type === "integer") return "texts";
    return "json";
  }
  if (schema.type === "boolean") return "boolean";
  if (schema.type === "integer" || schema.type === "number") return "number";
  if (schema.type === "object") return schema.properties && !schema.additionalProperties ? "object" : "json";
  if (schema.type === "string") {
    if (schema.format === "date-time") return "moment";
    if (schema.format === "binary") return "file";
    if (field.format === "duration") return "duration";
    if (name === "content") return "yaml";
    if (LONG.test(name) && !schema.maxLength) return "area";
    return "text";
  }
  return "json";
};
