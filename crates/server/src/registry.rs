//! Everything that is served: the only place that names every family.

use vestibule_flow::StageRegistry;
use vestibule_resource::Registry;

/// What the families offer.
pub struct Families {
    /// Kinds, families and operations of the API.
    pub registry: Registry,
    /// Kinds of stages, with their behaviour.
    pub stages: StageRegistry,
}

/// Collects them.
///
/// # Errors
/// A declaration that refers to what does not exist.
pub fn families() -> Result<Families, String> {
    let mut kinds = vestibule_directory::kinds();
    kinds.extend(vestibule_rbac::kinds());
    kinds.extend(vestibule_flow::kinds());
    kinds.extend(vestibule_blueprint_engine::kinds());
    kinds.extend(vestibule_crypto::kinds());
    kinds.extend(vestibule_outposts::kinds());
    kinds.extend(vestibule_devices::kinds());
    kinds.extend(vestibule_stages::kinds());
    kinds.extend(vestibule_policy::kinds());
    kinds.extend(vestibule_applications::kinds());
    kinds.extend(vestibule_property_mappings::kinds());
    kinds.extend(vestibule_provider_oauth2::kinds());
    kinds.extend(vestibule_sources::kinds());
    kinds.extend(vestibule_admin::kinds());
    let mut families = vestibule_flow::families();
    families.extend(vestibule_policy::families());
    families.extend(vestibule_applications::families());
    families.extend(vestibule_property_mappings::families());
    families.extend(vestibule_sources::families());
    families.extend(vestibule_outposts::families());
    let mut operations = vestibule_directory::operations();
    operations.extend(vestibule_devices::operations());
    operations.extend(vestibule_rbac::operations());
    operations.extend(vestibule_flow::operations());
    operations.extend(vestibule_outposts::operations());
    operations.extend(vestibule_policy::operations());
    operations.extend(vestibule_applications::operations());
    operations.extend(vestibule_property_mappings::operations());
    operations.extend(vestibule_sources::operations());
    operations.extend(vestibule_admin::operations());
    operations.extend(vestibule_blueprint_engine::operations());
    let mut components = vestibule_flow::schema::components();
    components.extend(vestibule_applications::schema::components());
    operations.extend(vestibule_resource::openapi::operations(components));
    Ok(Families {
        registry: Registry::new(kinds, families, operations)?,
        stages: StageRegistry::new(vestibule_stages::entries())
            .with_built_in(vestibule_stages::built_in())
            .with_built_in(vestibule_provider_oauth2::built_in())
            .with_built_in(vestibule_sources::built_in()),
    })
}
