//! What an application is told of a user: its name for them, and what the scopes' mappings make.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_directory::UserRow;
use vestibule_events::{Event, Request};
use vestibule_expression::Value as Seen;
use vestibule_expression_host::{Circumstances, DocumentObject, Outside, UserObject};
use vestibule_flow::FlowState;
use vestibule_kernel::secret::sha256_hex;
use vestibule_kernel::{Actor, ApiError, Object};
use vestibule_property_mappings::{Mappings, ScopeMapping};
use vestibule_resource::Api;
use vestibule_store::{DocumentType as _, Durability};

use crate::client::Client;
use crate::grants::Granted;
use crate::provider::{OAuth2Provider, SubMode};

/// The one context of authentication that tokens name.
pub(crate) const ACR: &str = "goauthentik.io/providers/oauth2/default";

/// What the application knows a user by.
pub(crate) fn subject(provider: &OAuth2Provider, user: &UserRow) -> String {
    match provider.sub_mode {
        SubMode::HashedUserId => user.uid.clone(),
        SubMode::UserId => user.pk.to_string(),
        SubMode::UserUuid => user.uuid.to_string(),
        SubMode::UserUsername => user.username.clone(),
        SubMode::UserEmail => user.email.clone(),
        SubMode::UserUpn => user.upn().unwrap_or(&user.uid).to_owned(),
    }
}

/// What names a session to applications: nothing that leads back to it.
pub(crate) fn session_id(session: Uuid) -> String {
    sha256_hex(session.as_bytes())
}

/// Whom an application is told about, and where.
pub(crate) struct Telling<'a> {
    pub api: &'a Api,
    pub client: Client<'a>,
    pub user: &'a UserRow,
    pub request: &'a Request,
    /// Whether it is only tried out: then nothing is written of it.
    pub trial: bool,
}

impl<'a> Telling<'a> {
    /// For a request that is answered.
    pub(crate) fn new(state: &'a FlowState, client: Client<'a>, user: &'a UserRow, request: &'a Request) -> Self {
        Self { api: &state.api, client, user, request, trial: false }
    }

    /// What the mappings of these scopes make, merged in their order. One that fails tells nothing, which an event says.
    ///
    /// # Errors
    /// The database.
    pub(crate) async fn claims(&self, scope: &[String]) -> Result<Object, ApiError> {
        let mut claims = Object::new();
        for (pk, mapping) in self.client.mappings() {
            if !scope.contains(&mapping.scope_name) {
                continue;
            }
            if let Some(Value::Object(made)) = self.run(pk, scope).await? {
                merge(&mut claims, made);
            }
        }
        Ok(claims)
    }

    /// What one mapping makes; `None`: it failed.
    async fn run(&self, mapping: Uuid, scope: &[String]) -> Result<Option<Value>, ApiError> {
        let configuration = self.client.configuration;
        let Some(document) = configuration.document(ScopeMapping::KIND, mapping) else { return Ok(None) };
        let actor =
            Actor::User { pk: self.user.pk, username: self.user.username.clone(), email: self.user.email.clone() };
        let circumstances = Circumstances {
            actor: actor.clone(),
            request: self.request.clone(),
            trial: self.trial,
            ..Circumstances::default()
        };
        let user = UserObject::new(self.api.store.clone(), self.user.clone()).under(Arc::new(circumstances.clone()));
        let mappings = Mappings { store: self.api.store.clone(), outside: Outside::of_api(self.api)?, circumstances };
        let inputs = vec![
            ("user".into(), Seen::object(user)),
            ("provider".into(), self.provider()),
            ("token".into(), Seen::object(DocumentObject::new("AccessToken", [("scope", json!(scope).into())]))),
        ];
        match mappings.run(document, inputs).await {
            Ok(made) => Ok(Some(made.to_json())),
            Err(failure) => {
                let context = json!({
                    "message": format!("Failed to evaluate property-mapping: '{}'", document.text("name")),
                    "provider": {"pk": self.client.pk(), "name": self.client.provider.provider.name},
                });
                tracing::warn!(%failure, mapping = document.text("name"), "a scope tells nothing");
                if !self.trial {
                    let event = Event::new("configuration_error", "authentik.providers.oauth2.views.userinfo", actor);
                    let mut transaction = self.api.store.database().gather(Durability::Process);
                    let event = event.context(context).request(self.request);
                    event.write(&self.api.ctx, &mut transaction).await?;
                    transaction.commit().await?;
                }
                Ok(None)
            }
        }
    }

    /// The provider, as mappings see it.
    fn provider(&self) -> Seen {
        let provider = self.client.provider;
        let kinds = &self.api.registry;
        let application = kinds.kind(vestibule_applications::APPLICATION).and_then(|kind| {
            let pk = self.client.application.pk;
            let document = self.client.configuration.document(vestibule_applications::APPLICATION, pk)?;
            Some(Seen::object(DocumentObject::of_kind(kind, &document.value)))
        });
        Seen::object(DocumentObject::new(
            "OAuth2Provider",
            [
                ("pk", json!(provider.provider.pk).into()),
                ("name", json!(provider.provider.name).into()),
                ("client_id", json!(provider.client_id).into()),
                ("application", application.unwrap_or_default()),
            ],
        ))
    }

    /// The claims of an identity token (OpenID Connect Core, section 2).
    ///
    /// # Errors
    /// The database.
    pub(crate) async fn id_token(
        &self,
        origin: &str,
        granted: &Granted,
        scope: &[String],
        lasts: chrono::TimeDelta,
    ) -> Result<Object, ApiError> {
        let now = self.api.ctx.now();
        let provider = self.client.provider;
        let mut token = Object::new();
        let mut put = |name: &str, value: Value| token.insert(name.to_owned(), value);
        put("iss", self.client.issuer(origin).into());
        put("sub", subject(provider, self.user).into());
        put("aud", provider.client_id.clone().into());
        put("exp", (now + lasts).timestamp().into());
        put("iat", now.timestamp().into());
        put("auth_time", granted.auth_time.into());
        put("acr", ACR.into());
        if !granted.amr.is_empty() {
            put("amr", json!(granted.amr));
        }
        if let Some(nonce) = &granted.nonce {
            put("nonce", nonce.clone().into());
        }
        if let Some(session) = granted.session {
            put("sid", session_id(session).into());
        }
        put("jti", self.api.ctx.token(40).into());
        if provider.include_claims_in_id_token {
            token.extend(self.claims(scope).await?);
        } else if let Some(wanted) = granted.claims.as_ref().and_then(|claims| claims.get("id_token")) {
            // Only what the client named (OpenID Connect Core, section 5.5), of what its scopes tell.
            let all = self.claims(scope).await?;
            token.extend(all.into_iter().filter(|(name, _)| wanted.get(name).is_some()));
        }
        Ok(token)
    }
}

/// Objects are merged into one another, lists behind one another; anything else replaces.
fn merge(into: &mut Object, from: Object) {
    for (name, value) in from {
        match (into.get_mut(&name), value) {
            (Some(Value::Object(present)), Value::Object(more)) => merge(present, more),
            (Some(Value::Array(present)), Value::Array(more)) => present.extend(more),
            (_, value) => {
                into.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::merge;

    #[test]
    fn what_scopes_tell_is_merged() {
        let object = |value: Value| value.as_object().unwrap().clone();
        let mut claims = object(json!({"a": {"x": 1}, "list": [1], "b": 1}));
        merge(&mut claims, object(json!({"a": {"y": 2}, "list": [2], "b": [3]})));
        assert_eq!(Value::Object(claims), json!({"a": {"x": 1, "y": 2}, "list": [1, 2], "b": [3]}));
    }
}
