//! A flow as a diagram in Mermaid's language.

use serde_json::json;
use vestibule_kernel::ApiError;
use vestibule_resource::Call;
use vestibule_resource::call::ok;

use crate::flow::{Flow, pk_of};
use crate::program::Program;

pub(crate) async fn answer(call: Call) -> vestibule_resource::call::Answer {
    let flow = pk_of(&call.object).and_then(|pk| call.configuration.get::<Flow>(pk)).ok_or_else(ApiError::not_found)?;
    let program = call.configuration.index::<Program>();
    let mut lines = vec!["graph TD".to_owned(), format!("flow_start[[\"Flow\n{}\"]]", quote(&flow.name))];
    let bindings = program.bindings(flow.pk);
    for (position, bound) in bindings.iter().enumerate() {
        let Some(document) = call.configuration.find(bound.stage) else { continue };
        let kind = call.api.registry.kind(document.kind).map_or("Stage", |kind| kind.spec.verbose_name());
        lines.push(format!("--> stage_{position}([\"Stage ({kind})\n{}\"])", quote(document.text("name"))));
    }
    match bindings.len().checked_sub(1) {
        Some(last) => lines.push(format!("stage_{last} --> done[[\"End of the flow\"]]")),
        None => lines.push("flow_start --> done[[\"End of the flow\"]]".to_owned()),
    }
    ok(&json!({"diagram": lines.join("\n")}))
}

/// A name as it may stand in a diagram: Mermaid reads entities, and nothing else of it must mean anything.
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '<' | '>' | '&' | '#' | ';' | '`' | '[' | ']' | '{' | '}' => {
                quoted.push_str(&format!("#{};", u32::from(c)));
            }
            c if c.is_control() => quoted.push(' '),
            c => quoted.push(c),
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    #[test]
    fn cure53_ath_01_003_a_name_stays_a_name() {
        let quoted = super::quote("x\"]] --> evil\nclick stage_0 \"javascript:alert(1)\"");
        assert!(!quoted.contains('"') && !quoted.contains(']') && !quoted.contains('\n'), "{quoted}");
    }
}
