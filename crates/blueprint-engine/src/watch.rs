//! The blueprints folder: what appears in it is kept and applied, what changes is applied anew.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use vestibule_blueprints::blueprint::LABEL_INSTANTIATE;
use vestibule_kernel::ApiError;
use vestibule_resource::Api;

use crate::instance::{self, Again, Kept, MODEL, Status, apply_instance};
use crate::library::{File, Library, Stamps};
use crate::system;

/// How often the folder is looked at. Moments and lengths of its files tell whether anything has changed; unlike the
/// notifications of the kernel they do so on network file systems, too, and where a folder is swapped whole.
const INTERVAL: Duration = Duration::from_secs(5);

/// Follows the folder until the task is aborted.
pub async fn watch(api: Api) {
    let Ok(library) = api.extension::<Library>() else { return };
    let mut clock = tokio::time::interval(INTERVAL);
    let mut seen: Option<Stamps> = None;
    loop {
        clock.tick().await;
        let looking = library.clone();
        let Ok(stamps) = tokio::task::spawn_blocking(move || looking.stamps()).await else { continue };
        // Nothing at the start is nothing to do.
        if seen.as_ref().map_or(stamps.is_empty(), |seen| *seen == stamps) {
            seen = Some(stamps);
            continue;
        }
        match discover(&api, &library).await {
            Ok(()) => seen = Some(stamps),
            Err(error) => tracing::warn!(%error, "the blueprints folder could not be applied"),
        }
    }
}

/// Keeps and applies what is new in the folder or was changed.
///
/// # Errors
/// The database's: what is wrong with a blueprint its instance says.
pub async fn discover(api: &Api, library: &std::sync::Arc<Library>) -> Result<(), ApiError> {
    let looking = library.clone();
    let files = tokio::task::spawn_blocking(move || looking.own_files()).await.map_err(ApiError::internal)?;
    let files: BTreeMap<String, File> = files.into_iter().map(|file| (file.path.clone(), file)).collect();
    for file in files.values() {
        let labels = file.metadata.as_ref().map(|metadata| &metadata.labels);
        let offered = labels.and_then(|labels| labels.get(LABEL_INSTANTIATE));
        if offered.is_some_and(|value| value.eq_ignore_ascii_case("false")) {
            continue;
        }
        take(api, library, file).await?;
    }
    orphan(api, library).await
}

async fn take(api: &Api, library: &Library, file: &File) -> Result<(), ApiError> {
    let principal = system();
    let known = || {
        let configuration = api.store.configuration();
        configuration.documents(MODEL).find(|one| one.text("path") == file.path).cloned()
    };
    if known().is_none() {
        let Ok((text, _)) = library.read(&file.path) else { return Ok(()) };
        let kept = Kept { path: &file.path, text: &text, applied: false };
        let mut change = api.store.change(principal.actor.clone()).await?;
        instance::keep(&mut change, &api.registry, &api.ctx, &principal, kept).await?;
        change.commit().await?;
    }
    match known() {
        // What somebody arranged who may not do everything waits for them to apply it.
        Some(one) if one.value.get("trusted") == Some(&Value::Bool(true)) => {
            apply_instance(api, library, &principal, one.pk, Again::No).await
        }
        _ => Ok(()),
    }
}

/// Says of instances whose file is gone that it is.
async fn orphan(api: &Api, library: &Library) -> Result<(), ApiError> {
    let configuration = api.store.configuration();
    let gone = configuration.documents(MODEL).filter(|one| {
        let path = one.text("path");
        !path.is_empty() && one.text("status") != Status::Orphaned.as_str() && library.read(path).is_err()
    });
    for document in gone {
        let mut change = api.store.change(system().actor).await?;
        let now = change.lock().await?.document(MODEL, document.pk).cloned();
        if let Some(now) = now {
            let mut value = now.value.clone();
            value.insert("status".into(), Status::Orphaned.as_str().into());
            change.put(MODEL, document.pk, value).await?;
            change.commit().await?;
        }
    }
    Ok(())
}
