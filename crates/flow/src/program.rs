//! The configuration as a program: which flow a slug names, which bindings a flow has. Computed once a snapshot.

use std::collections::HashMap;

use uuid::Uuid;
use vestibule_store::{Configuration, Index};

use crate::flow::{Designation, Flow, ordered};

/// A binding, as much of it as planning needs.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The binding.
    pub binding: Uuid,
    /// Its stage.
    pub stage: Uuid,
}

/// Lookup tables over flows and bindings.
#[derive(Default)]
pub struct Program {
    by_slug: HashMap<String, Uuid>,
    by_designation: HashMap<&'static str, Vec<Uuid>>,
    by_flow: HashMap<Uuid, Vec<Bound>>,
    by_stage: HashMap<Uuid, Vec<Uuid>>,
}

impl Index for Program {
    fn build(configuration: &Configuration) -> Self {
        let mut program = Self::default();
        let mut flows: Vec<_> = configuration.all::<Flow>().map(|(_, flow)| flow).collect();
        flows.sort_by(|one, other| one.slug.cmp(&other.slug));
        for flow in flows {
            program.by_slug.insert(flow.slug.clone(), flow.pk);
            program.by_designation.entry(flow.designation.as_str()).or_default().push(flow.pk);
        }
        for binding in ordered(configuration) {
            let bound = Bound { binding: binding.pk, stage: binding.stage };
            program.by_flow.entry(binding.target).or_default().push(bound);
            program.by_stage.entry(binding.stage).or_default().push(binding.target);
        }
        program
    }
}

impl Program {
    /// The flow that a slug names.
    pub fn flow(&self, slug: &str) -> Option<Uuid> {
        self.by_slug.get(slug).copied()
    }
    /// A flow's bindings, in order.
    pub fn bindings(&self, flow: Uuid) -> &[Bound] {
        self.by_flow.get(&flow).map(Vec::as_slice).unwrap_or_default()
    }
    /// Flows that a stage is bound to, once a binding.
    pub fn flows_of(&self, stage: Uuid) -> &[Uuid] {
        self.by_stage.get(&stage).map(Vec::as_slice).unwrap_or_default()
    }
    /// Flows for a purpose, by slug.
    pub fn designated(&self, designation: Designation) -> &[Uuid] {
        self.by_designation.get(designation.as_str()).map(Vec::as_slice).unwrap_or_default()
    }
}
