// Arranges users and flows as an administrator does: through the REST API.

let count = 0;
const unique = (name) => `${name}-${++count}`;

export const arrange = (api) => {
  const stage = (kind, fields) => api("POST", `stages/${kind}/`, { name: unique(kind.replaceAll("/", "-")), ...fields });

  /** A user with a password; the name is unique unless one is given. */
  const user = async ({ password, ...fields } = {}) => {
    const username = fields.username ?? unique("user");
    password ??= `open sesame, says ${username.slice(0, 20)}`;
    const made = await api("POST", "core/users/", { username, name: "", email: `${username}@vestibule.test`, ...fields });
    await api("POST", `core/users/${made.pk}/set_password/`, { password });
    return { ...made, password };
  };

  /** A flow over stages that exist; `{path, slug, pk}`. */
  const flow = async (stages, fields = {}) => {
    const slug = fields.slug ?? unique("flow");
    const made = await api("POST", "flows/instances/", {
      name: slug, slug, title: "Welcome", designation: "authentication", ...fields,
    });
    for (const [order, { pk, binding }] of stages.entries()) {
      await api("POST", "flows/bindings/", { target: made.pk, stage: pk, order, ...binding });
    }
    return { ...made, path: `/if/flow/${slug}/` };
  };

  /**
   * A login. `onePage` asks for the password beside the name; `identification`, `password`, `login`, `flow` set fields of
   * those; `captcha` is a captcha stage's pk for the first page; `between` are stages before the login's own.
   */
  const login = async ({ onePage = false, identification = {}, password = {}, login: stay = {}, flow: fields = {}, captcha, between = [] } = {}) => {
    const secret = await stage("password", { backends: ["authentik.core.auth.InbuiltBackend"], ...password });
    const who = await stage("identification", {
      user_fields: ["username", "email"],
      pretend_user_exists: true,
      password_stage: onePage ? secret.pk : null,
      captcha_stage: captcha ?? null,
      ...identification,
    });
    const last = await stage("user_login", stay);
    const made = await flow([who, ...(onePage ? [] : [secret]), ...between, last], fields);
    return { ...made, identification: who, password: secret, login: last };
  };

  const brand = async (fields) => {
    const { results } = await api("GET", "core/brands/");
    return api("PATCH", `core/brands/${results.find((one) => one.default).brand_uuid}/`, fields);
  };

  return { stage, user, flow, login, brand };
};
