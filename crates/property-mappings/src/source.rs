//! Mappings of sources.

use vestibule_resource::{Fields, Kind, Resource, Spec};
use vestibule_store::DocumentType;

use crate::mapping::{MappingBase, spec, text};

/// The kinds.
pub(crate) fn kinds() -> Vec<Kind> {
    vec![
        Kind::document::<KerberosSourceMapping>(),
        Kind::document::<LdapSourceMapping>(),
        Kind::document::<OAuthSourceMapping>(),
        Kind::document::<PlexSourceMapping>(),
        Kind::document::<SamlSourceMapping>(),
        Kind::document::<ScimSourceMapping>(),
        Kind::document::<TelegramSourceMapping>(),
    ]
}

/// Makes attributes of a user or a group from a Kerberos principal.
#[derive(Clone, Debug, Fields)]
pub struct KerberosSourceMapping {
    /// What every mapping has.
    #[field(flatten)]
    pub mapping: MappingBase,
}

impl DocumentType for KerberosSourceMapping {
    const KIND: &'static str = "authentik_sources_kerberos.kerberossourcepropertymapping";
}

impl Resource for KerberosSourceMapping {
    fn spec() -> Spec {
        spec("propertymappings/source/kerberos", Self::KIND, "KerberosSourcePropertyMapping")
            .verbose("Kerberos Source Property Mapping", "Kerberos Source Property Mappings")
            .component("ak-property-mapping-source-kerberos-form")
            .describe(|object| text(object, "name").to_owned())
            .filter(&["managed=managed__values", "managed__isnull"])
    }
}

/// Makes attributes of a user or a group from an entry of a directory.
#[derive(Clone, Debug, Fields)]
pub struct LdapSourceMapping {
    /// What every mapping has.
    #[field(flatten)]
    pub mapping: MappingBase,
}

impl DocumentType for LdapSourceMapping {
    const KIND: &'static str = "authentik_sources_ldap.ldapsourcepropertymapping";
}

impl Resource for LdapSourceMapping {
    fn spec() -> Spec {
        spec("propertymappings/source/ldap", Self::KIND, "LDAPSourcePropertyMapping")
            .verbose("LDAP Source Property Mapping", "LDAP Source Property Mappings")
            .component("ak-property-mapping-source-ldap-form")
            .describe(|object| text(object, "name").to_owned())
            .filter(&["managed=managed__values", "managed__isnull"])
    }
}

/// Makes attributes of a user or a group from what an OAuth provider tells.
#[derive(Clone, Debug, Fields)]
pub struct OAuthSourceMapping {
    /// What every mapping has.
    #[field(flatten)]
    pub mapping: MappingBase,
}

impl DocumentType for OAuthSourceMapping {
    const KIND: &'static str = "authentik_sources_oauth.oauthsourcepropertymapping";
}

impl Resource for OAuthSourceMapping {
    fn spec() -> Spec {
        spec("propertymappings/source/oauth", Self::KIND, "OAuthSourcePropertyMapping")
            .verbose("OAuth Source Property Mapping", "OAuth Source Property Mappings")
            .component("ak-property-mapping-source-oauth-form")
            .filter(&["managed=managed__values", "managed__isnull"])
    }
}

/// Makes attributes of a user or a group from a Plex account.
#[derive(Clone, Debug, Fields)]
pub struct PlexSourceMapping {
    /// What every mapping has.
    #[field(flatten)]
    pub mapping: MappingBase,
}

impl DocumentType for PlexSourceMapping {
    const KIND: &'static str = "authentik_sources_plex.plexsourcepropertymapping";
}

impl Resource for PlexSourceMapping {
    fn spec() -> Spec {
        spec("propertymappings/source/plex", Self::KIND, "PlexSourcePropertyMapping")
            .verbose("Plex Source Property Mapping", "Plex Source Property Mappings")
            .component("ak-property-mapping-source-plex-form")
            .filter(&["managed=managed__values", "managed__isnull"])
    }
}

/// Makes attributes of a user or a group from a SAML assertion.
#[derive(Clone, Debug, Fields)]
pub struct SamlSourceMapping {
    /// What every mapping has.
    #[field(flatten)]
    pub mapping: MappingBase,
}

impl DocumentType for SamlSourceMapping {
    const KIND: &'static str = "authentik_sources_saml.samlsourcepropertymapping";
}

impl Resource for SamlSourceMapping {
    fn spec() -> Spec {
        spec("propertymappings/source/saml", Self::KIND, "SAMLSourcePropertyMapping")
            .verbose("SAML Source Property Mapping", "SAML Source Property Mappings")
            .component("ak-property-mapping-source-saml-form")
            .filter(&["managed=managed__values", "managed__isnull"])
    }
}

/// Makes attributes of a user or a group from an object that came over SCIM.
#[derive(Clone, Debug, Fields)]
pub struct ScimSourceMapping {
    /// What every mapping has.
    #[field(flatten)]
    pub mapping: MappingBase,
}

impl DocumentType for ScimSourceMapping {
    const KIND: &'static str = "authentik_sources_scim.scimsourcepropertymapping";
}

impl Resource for ScimSourceMapping {
    fn spec() -> Spec {
        spec("propertymappings/source/scim", Self::KIND, "SCIMSourcePropertyMapping")
            .verbose("SCIM Source Property Mapping", "SCIM Source Property Mappings")
            .component("ak-property-mapping-source-scim-form")
            .filter(&["managed=managed__values", "managed__isnull"])
    }
}

/// Makes attributes of a user or a group from a Telegram account.
#[derive(Clone, Debug, Fields)]
pub struct TelegramSourceMapping {
    /// What every mapping has.
    #[field(flatten)]
    pub mapping: MappingBase,
}

impl DocumentType for TelegramSourceMapping {
    const KIND: &'static str = "authentik_sources_telegram.telegramsourcepropertymapping";
}

impl Resource for TelegramSourceMapping {
    fn spec() -> Spec {
        spec("propertymappings/source/telegram", Self::KIND, "TelegramSourcePropertyMapping")
            .verbose("Telegram Source Property Mapping", "Telegram Source Property Mappings")
            .component("ak-property-mapping-source-telegram-form")
            .filter(&["managed=managed__values", "managed__isnull"])
    }
}
