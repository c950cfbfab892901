//! The official client's models, unmodified, walk what `tests/clients/walks.json` names, as the clients for Python and
//! Node do: what they write is understood, what is answered they can read.

use std::collections::BTreeMap;

use authentik_client::models;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use vestibule_testkit::Client;

use crate::app::App;

/// A resource is a line: its answer, what is written whole, what is written in part, a page of its list.
macro_rules! walks {
    ($($id:literal => $answer:ident, $request:ident, $patched:ident, $list:ident;)*) => {
        async fn walk(walker: &mut Walker, row: &Row) {
            match row.text("id") {
                $($id => walker.walk::<models::$answer, models::$request, models::$patched, models::$list>(row).await,)*
                id => panic!("{id} has no line here"),
            }
        }
    };
}

walks! {
    "core_application_entitlements" => ApplicationEntitlement, ApplicationEntitlementRequest, PatchedApplicationEntitlementRequest, PaginatedApplicationEntitlementList;
    "core_applications" => Application, ApplicationRequest, PatchedApplicationRequest, PaginatedApplicationList;
    "core_brands" => Brand, BrandRequest, PatchedBrandRequest, PaginatedBrandList;
    "core_groups" => Group, GroupRequest, PatchedGroupRequest, PaginatedGroupList;
    "core_object_attributes" => ObjectAttribute, ObjectAttributeRequest, PatchedObjectAttributeRequest, PaginatedObjectAttributeList;
    "core_tokens" => Token, TokenRequest, PatchedTokenRequest, PaginatedTokenList;
    "core_users" => User, UserRequest, PatchedUserRequest, PaginatedUserList;
    "crypto_certificatekeypairs" => CertificateKeyPair, CertificateKeyPairRequest, PatchedCertificateKeyPairRequest, PaginatedCertificateKeyPairList;
    "events_events" => Event, EventRequest, PatchedEventRequest, PaginatedEventList;
    "events_rules" => NotificationRule, NotificationRuleRequest, PatchedNotificationRuleRequest, PaginatedNotificationRuleList;
    "events_transports" => NotificationTransport, NotificationTransportRequest, PatchedNotificationTransportRequest, PaginatedNotificationTransportList;
    "flows_bindings" => FlowStageBinding, FlowStageBindingRequest, PatchedFlowStageBindingRequest, PaginatedFlowStageBindingList;
    "flows_instances" => Flow, FlowRequest, PatchedFlowRequest, PaginatedFlowList;
    "managed_blueprints" => BlueprintInstance, BlueprintInstanceRequest, PatchedBlueprintInstanceRequest, PaginatedBlueprintInstanceList;
    "outposts_instances" => Outpost, OutpostRequest, PatchedOutpostRequest, PaginatedOutpostList;
    "outposts_service_connections_docker" => DockerServiceConnection, DockerServiceConnectionRequest, PatchedDockerServiceConnectionRequest, PaginatedDockerServiceConnectionList;
    "outposts_service_connections_kubernetes" => KubernetesServiceConnection, KubernetesServiceConnectionRequest, PatchedKubernetesServiceConnectionRequest, PaginatedKubernetesServiceConnectionList;
    "policies_dummy" => DummyPolicy, DummyPolicyRequest, PatchedDummyPolicyRequest, PaginatedDummyPolicyList;
    "policies_event_matcher" => EventMatcherPolicy, EventMatcherPolicyRequest, PatchedEventMatcherPolicyRequest, PaginatedEventMatcherPolicyList;
    "policies_expression" => ExpressionPolicy, ExpressionPolicyRequest, PatchedExpressionPolicyRequest, PaginatedExpressionPolicyList;
    "policies_geoip" => GeoIpPolicy, GeoIpPolicyRequest, PatchedGeoIpPolicyRequest, PaginatedGeoIpPolicyList;
    "policies_password" => PasswordPolicy, PasswordPolicyRequest, PatchedPasswordPolicyRequest, PaginatedPasswordPolicyList;
    "policies_password_expiry" => PasswordExpiryPolicy, PasswordExpiryPolicyRequest, PatchedPasswordExpiryPolicyRequest, PaginatedPasswordExpiryPolicyList;
    "policies_reputation" => ReputationPolicy, ReputationPolicyRequest, PatchedReputationPolicyRequest, PaginatedReputationPolicyList;
    "policies_bindings" => PolicyBinding, PolicyBindingRequest, PatchedPolicyBindingRequest, PaginatedPolicyBindingList;
    "propertymappings_notification" => NotificationWebhookMapping, NotificationWebhookMappingRequest, PatchedNotificationWebhookMappingRequest, PaginatedNotificationWebhookMappingList;
    "propertymappings_provider_rac" => RacPropertyMapping, RacPropertyMappingRequest, PatchedRacPropertyMappingRequest, PaginatedRacPropertyMappingList;
    "propertymappings_provider_radius" => RadiusProviderPropertyMapping, RadiusProviderPropertyMappingRequest, PatchedRadiusProviderPropertyMappingRequest, PaginatedRadiusProviderPropertyMappingList;
    "propertymappings_provider_saml" => SamlPropertyMapping, SamlPropertyMappingRequest, PatchedSamlPropertyMappingRequest, PaginatedSamlPropertyMappingList;
    "propertymappings_provider_scim" => ScimMapping, ScimMappingRequest, PatchedScimMappingRequest, PaginatedScimMappingList;
    "propertymappings_provider_scope" => ScopeMapping, ScopeMappingRequest, PatchedScopeMappingRequest, PaginatedScopeMappingList;
    "propertymappings_source_kerberos" => KerberosSourcePropertyMapping, KerberosSourcePropertyMappingRequest, PatchedKerberosSourcePropertyMappingRequest, PaginatedKerberosSourcePropertyMappingList;
    "propertymappings_source_ldap" => LdapSourcePropertyMapping, LdapSourcePropertyMappingRequest, PatchedLdapSourcePropertyMappingRequest, PaginatedLdapSourcePropertyMappingList;
    "propertymappings_source_oauth" => OAuthSourcePropertyMapping, OAuthSourcePropertyMappingRequest, PatchedOAuthSourcePropertyMappingRequest, PaginatedOAuthSourcePropertyMappingList;
    "propertymappings_source_plex" => PlexSourcePropertyMapping, PlexSourcePropertyMappingRequest, PatchedPlexSourcePropertyMappingRequest, PaginatedPlexSourcePropertyMappingList;
    "propertymappings_source_saml" => SamlSourcePropertyMapping, SamlSourcePropertyMappingRequest, PatchedSamlSourcePropertyMappingRequest, PaginatedSamlSourcePropertyMappingList;
    "propertymappings_source_scim" => ScimSourcePropertyMapping, ScimSourcePropertyMappingRequest, PatchedScimSourcePropertyMappingRequest, PaginatedScimSourcePropertyMappingList;
    "propertymappings_source_telegram" => TelegramSourcePropertyMapping, TelegramSourcePropertyMappingRequest, PatchedTelegramSourcePropertyMappingRequest, PaginatedTelegramSourcePropertyMappingList;
    "providers_oauth2" => OAuth2Provider, OAuth2ProviderRequest, PatchedOAuth2ProviderRequest, PaginatedOAuth2ProviderList;
    "providers_oauth2_dcr" => OAuth2DynamicClientRegistration, OAuth2DynamicClientRegistrationRequest, PatchedOAuth2DynamicClientRegistrationRequest, PaginatedOAuth2DynamicClientRegistrationList;
    "rbac_initial_permissions" => InitialPermissions, InitialPermissionsRequest, PatchedInitialPermissionsRequest, PaginatedInitialPermissionsList;
    "rbac_roles" => Role, RoleRequest, PatchedRoleRequest, PaginatedRoleList;
    "sources_oauth" => OAuthSource, OAuthSourceRequest, PatchedOAuthSourceRequest, PaginatedOAuthSourceList;
    "stages_authenticator_validate" => AuthenticatorValidateStage, AuthenticatorValidateStageRequest, PatchedAuthenticatorValidateStageRequest, PaginatedAuthenticatorValidateStageList;
    "stages_captcha" => CaptchaStage, CaptchaStageRequest, PatchedCaptchaStageRequest, PaginatedCaptchaStageList;
    "stages_deny" => DenyStage, DenyStageRequest, PatchedDenyStageRequest, PaginatedDenyStageList;
    "stages_dummy" => DummyStage, DummyStageRequest, PatchedDummyStageRequest, PaginatedDummyStageList;
    "stages_email" => EmailStage, EmailStageRequest, PatchedEmailStageRequest, PaginatedEmailStageList;
    "stages_identification" => IdentificationStage, IdentificationStageRequest, PatchedIdentificationStageRequest, PaginatedIdentificationStageList;
    "stages_invitation_invitations" => Invitation, InvitationRequest, PatchedInvitationRequest, PaginatedInvitationList;
    "stages_invitation_stages" => InvitationStage, InvitationStageRequest, PatchedInvitationStageRequest, PaginatedInvitationStageList;
    "stages_password" => PasswordStage, PasswordStageRequest, PatchedPasswordStageRequest, PaginatedPasswordStageList;
    "stages_consent" => ConsentStage, ConsentStageRequest, PatchedConsentStageRequest, PaginatedConsentStageList;
    "stages_user_delete" => UserDeleteStage, UserDeleteStageRequest, PatchedUserDeleteStageRequest, PaginatedUserDeleteStageList;
    "stages_user_write" => UserWriteStage, UserWriteStageRequest, PatchedUserWriteStageRequest, PaginatedUserWriteStageList;
    "stages_user_login" => UserLoginStage, UserLoginStageRequest, PatchedUserLoginStageRequest, PaginatedUserLoginStageList;
    "stages_user_logout" => UserLogoutStage, UserLogoutStageRequest, PatchedUserLogoutStageRequest, PaginatedUserLogoutStageList;
}

/// A line of the table.
struct Row(Value);

impl Row {
    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_else(|| panic!("{name} is missing in {}", self.0))
    }
    fn name(&self) -> &str {
        self.0["as"].as_str().unwrap_or_else(|| self.text("id"))
    }
    fn collection(&self) -> String {
        format!("/api/v3/{}", self.text("path"))
    }
    fn object(&self, key: &Value) -> String {
        format!("{}{}/", self.collection(), key.as_str().map_or_else(|| key.to_string(), str::to_owned))
    }
}

/// What was made so far, by the names of the rows.
struct Walker {
    admin: Client,
    made: BTreeMap<String, Value>,
}

/// What is not shown as it was sent; what is not shown at all is a secret.
fn differing<'a>(sent: &'a Value, answer: &Value) -> Vec<&'a String> {
    let differs = |name: &&String| answer.get(*name).is_some_and(|shown| *shown != sent[*name]);
    sent.as_object().unwrap().keys().filter(differs).collect()
}

/// A body as the client's model writes it.
fn written<M: Serialize + DeserializeOwned>(id: &str, body: &Value) -> Value {
    let model: M = serde_json::from_value(body.clone()).unwrap_or_else(|error| panic!("{id}: {body}: {error}"));
    json!(model)
}

/// An answer as the client's model reads it.
fn read<M: Serialize + DeserializeOwned>(id: &str, answer: Value) -> Value {
    let model: M = serde_json::from_value(answer.clone()).unwrap_or_else(|error| panic!("{id}: {answer}: {error}"));
    json!(model)
}

fn query(filters: &Value) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in filters.as_object().unwrap() {
        let one = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
        for value in &values {
            query.append_pair(name, &one(value));
        }
    }
    query.finish()
}

impl Walker {
    /// A value with what was made in place of `@name` (its key) and `@name.field`.
    fn filled(&self, value: &Value) -> Value {
        match value {
            Value::Object(object) => object.iter().map(|(name, item)| (name.clone(), self.filled(item))).collect(),
            Value::Array(items) => items.iter().map(|item| self.filled(item)).collect(),
            Value::String(text) if text.starts_with('@') => {
                let (name, field) = text[1..].split_once('.').unwrap_or((&text[1..], "@key"));
                self.made[name][field].clone()
            }
            other => other.clone(),
        }
    }

    async fn walk<A, R, P, L>(&mut self, row: &Row)
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
        P: Serialize + DeserializeOwned,
        L: Serialize + DeserializeOwned,
    {
        let (id, collection) = (row.name(), row.collection());
        let body = written::<R>(id, &self.filled(&row.0["create"]));
        let made = self.admin.post(&collection, body.clone()).await.expect(201);
        let made = read::<A>(id, made);
        assert_eq!(differing(&body, &made), Vec::<&String>::new(), "{id} is not as sent: {made}");
        let key = made[row.text("key")].clone();
        let path = row.object(&key);
        let shown = read::<A>(id, self.admin.get(&path).await.expect(200));
        assert_eq!(differing(&body, &shown), Vec::<&String>::new(), "{id} is not as sent: {shown}");

        let patch = written::<P>(id, &self.filled(&row.0["patch"]));
        let patched = read::<A>(id, self.admin.patch(&path, patch.clone()).await.expect(200));
        assert_eq!(differing(&patch, &patched), Vec::<&String>::new(), "{id} is not as patched: {patched}");

        let filters = query(&self.filled(&row.0["filters"]));
        let one = self.admin.get(&format!("{collection}?{filters}&page=1&page_size=1")).await.expect(200);
        assert_eq!(one["pagination"]["count"], 1, "{id} by {filters}");
        let one = read::<L>(id, one);
        assert_eq!(one["results"][0][row.text("key")], key, "{id} by {filters}");
        let whole = read::<L>(id, self.admin.get(&format!("{collection}?page_size=100")).await.expect(200));
        assert!(whole["results"].as_array().unwrap().iter().any(|item| item[row.text("key")] == key), "{id}");

        let replaced = read::<A>(id, self.admin.put(&path, body.clone()).await.expect(200));
        assert_eq!(differing(&body, &replaced), Vec::<&String>::new(), "{id} is not as replaced: {replaced}");
        let mut made = made;
        made["@key"] = key;
        self.made.insert(row.name().to_owned(), made);
    }

    /// What the table refers to and does not make: a certificate with its key, of the server's own making; a permission.
    async fn prepare(&mut self) {
        let all = "/api/v3/crypto/certificatekeypairs/";
        let body = json!({"common_name": "walk-made", "validity_days": 30});
        let made = self.admin.post(&format!("{all}generate/"), body).await.expect(200);
        let path = format!("{all}{}/", made["pk"].as_str().unwrap());
        let mut parts = json!({});
        for (part, operation) in [("certificate", "view_certificate"), ("key", "view_private_key")] {
            parts[part] = self.admin.get(&format!("{path}{operation}/")).await.expect(200)["data"].take();
        }
        self.admin.delete(&path).await.expect(204);
        self.made.insert("generated".to_owned(), parts);
        let permissions = self.admin.get("/api/v3/rbac/permissions/?page_size=1").await.expect(200);
        self.made.insert("permission".to_owned(), json!({ "@key": permissions["results"][0]["id"] }));
    }
}

#[tokio::test]
async fn every_resource_of_the_table() {
    let app = App::start().await;
    let mut walker = Walker { admin: app.admin(), made: BTreeMap::new() };
    walker.prepare().await;
    let table: Value = serde_json::from_str(include_str!("../../../../tests/clients/walks.json")).unwrap();
    let rows: Vec<Row> = table["resources"].as_array().unwrap().iter().cloned().map(Row).collect();
    for row in &rows {
        walk(&mut walker, row).await;
    }
    for row in rows.iter().rev() {
        let path = row.object(&walker.made[row.name()]["@key"]);
        walker.admin.delete(&path).await.expect(204);
        walker.admin.get(&path).await.expect(404);
    }
}
