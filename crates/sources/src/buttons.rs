//! What the identification stage shows of sources, and where an e-mail address leads.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_directory::session::Session;
use vestibule_flow::StageCx;
use vestibule_flow::begin::Elsewhere;
use vestibule_kernel::ApiError;
use vestibule_store::{Configuration, Index, Transaction};

use crate::arrival;
use crate::domains::SourceDomain;
use crate::oauth::{self, OAuthSource};
use crate::source::icon_address;

/// The sources, as flows know them.
pub struct Sources;

/// The source of each domain.
struct Domains(HashMap<String, Uuid>);

impl Index for Domains {
    fn build(configuration: &Configuration) -> Self {
        let all = configuration.all::<SourceDomain>();
        Self(all.map(|(_, one)| (one.domain.to_lowercase(), one.source)).collect())
    }
}

/// Where somebody is sent to the source, and from there to where this flow leads.
fn login_address(cx: &StageCx<'_>, source: &OAuthSource, hint: Option<&str>) -> String {
    let address = format!("/source/oauth/login/{}/", source.source.slug);
    let next = cx.visit.query.get("next").or(cx.plan.next.as_deref());
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("next", next), ("login_hint", hint)] {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    match query.finish() {
        query if query.is_empty() => address,
        query => format!("{address}?{query}"),
    }
}

/// A source that may be used.
fn usable(configuration: &Configuration, pk: Uuid) -> Option<&OAuthSource> {
    configuration.get::<OAuthSource>(pk).filter(|one| one.source.enabled)
}

#[async_trait]
impl Elsewhere for Sources {
    fn buttons(&self, cx: &StageCx<'_>, sources: &[Uuid]) -> Vec<Value> {
        let shown = sources.iter().filter_map(|pk| usable(cx.configuration, *pk));
        let buttons = shown.map(|one| {
            json!({
                "name": one.source.name,
                "icon_url": icon_address(&one.source.icon, one.provider_type.as_str()),
                "promoted": one.source.promoted,
                "challenge": {"component": "xak-flow-redirect", "to": login_address(cx, one, None)},
            })
        });
        buttons.collect()
    }

    fn of_address(&self, cx: &StageCx<'_>, sources: &[Uuid], address: &str) -> Option<String> {
        let (_, domain) = address.rsplit_once('@')?;
        let pk = cx.configuration.index::<Domains>().0.get(&domain.trim().to_lowercase()).copied()?;
        let source = usable(cx.configuration, pk).filter(|_| sources.contains(&pk))?;
        Some(login_address(cx, source, Some(address)))
    }

    fn has_left(&self, session: &Session, now: DateTime<Utc>) -> bool {
        oauth::has_left(session, now)
    }

    async fn account_made(&self, cx: &StageCx<'_>, transaction: &mut Transaction, user: i64) -> Result<(), ApiError> {
        arrival::account_made(cx, transaction, user).await
    }
}
