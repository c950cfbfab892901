//! temp
#[tokio::test]
async fn dump() {
    let server = super::server("").await;
    let doc = vestibule_resource::openapi::document(&server.api.registry, &Default::default());
    std::fs::write("/tmp/ours_sources.json", doc.to_string()).unwrap();
}
