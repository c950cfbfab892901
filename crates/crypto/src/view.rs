//! Certificate and private key as they are: each under a permission of its own, and with an event.

use axum::response::IntoResponse as _;
use http::Method;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde_json::json;
use vestibule_events::Event;
use vestibule_kernel::ApiError;
use vestibule_resource::call::{Answer, Permission, ok};
use vestibule_resource::{Call, Fields, Operation, Shape, name_object};

use crate::keypair::text;

#[derive(Fields)]
struct CertificateData {
    /// PEM.
    #[field(read_only)]
    data: String,
}

/// What is looked at.
#[derive(Clone, Copy)]
enum Part {
    Certificate,
    PrivateKey,
}

/// Data in JSON, or with `download` a file.
const MEDIA: &[&str] = &["application/json", PEM];
const PEM: &str = "application/x-pem-file";

/// Operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    let answer = || Some(Shape::Object("CertificateData", CertificateData::fields));
    let id = "crypto_certificatekeypairs_view_certificate_retrieve";
    let certificate =
        Operation::new(Method::GET, "{}/view_certificate/", id, answer(), |call| view(call, Part::Certificate));
    let id = "crypto_certificatekeypairs_view_private_key_retrieve";
    let key = Operation::new(Method::GET, "{}/view_private_key/", id, answer(), |call| view(call, Part::PrivateKey));
    vec![
        certificate
            .permission(Permission::Named("authentik_crypto.view_certificatekeypair_certificate"))
            .parameter("download", Shape::Boolean)
            .produces(MEDIA)
            .doc("Shows the certificate; an event says so. With `download`, in whatever form, it comes as a file."),
        key.permission(Permission::Named("authentik_crypto.view_certificatekeypair_key"))
            .parameter("download", Shape::Boolean)
            .produces(MEDIA)
            .doc("Shows the private key; an event says so. With `download`, in whatever form, it comes as a file."),
    ]
}

async fn view(call: Call, part: Part) -> Answer {
    let (field, name) = match part {
        Part::Certificate => ("certificate_data", "certificate"),
        Part::PrivateKey => ("key_data", "private_key"),
    };
    let secret = call.kind.as_ref().map(|kind| name_object(kind, &call.object));
    let event = Event::new("secret_view", "authentik.crypto.api", call.principal.actor.clone());
    let event = event.context(json!({"secret": secret, "type": name})).request(&call.principal.request);
    let mut change = call.api.store.change(call.principal.actor.clone()).await?;
    event.write(&call.api.ctx, change.transaction()).await?;
    change.commit().await?;

    let data = text(&call.object, field).to_owned();
    if call.query.get("download").is_none() {
        return ok(&json!({"data": data}));
    }
    let file = format!("attachment; filename=\"{}_{name}.pem\"", file_name(text(&call.object, "name")));
    let file = http::HeaderValue::try_from(file).map_err(ApiError::internal)?;
    let media = http::HeaderValue::from_static(PEM);
    Ok(([(CONTENT_TYPE, media), (CONTENT_DISPOSITION, file)], data).into_response())
}

/// A name without what means something to a header or to a file system.
fn file_name(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, ' ' | '-' | '_');
    name.chars().map(|letter| if plain(letter) { letter } else { '_' }).collect()
}
