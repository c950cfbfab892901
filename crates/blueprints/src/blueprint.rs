//! The shape of a blueprint: version, metadata, context, entries. Tags inside stay as they are.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use crate::error::BlueprintError;
use crate::yaml::{self, Node, NodeValue};

/// The label of blueprints that come with the server.
pub const LABEL_SYSTEM: &str = "blueprints.goauthentik.io/system";
/// `"false"`: the file is offered, and applied only when somebody asks.
pub const LABEL_INSTANTIATE: &str = "blueprints.goauthentik.io/instantiate";
/// A sentence for people.
pub const LABEL_DESCRIPTION: &str = "blueprints.goauthentik.io/description";
/// `"true"`: an export wrote this.
pub const LABEL_GENERATED: &str = "blueprints.goauthentik.io/generated";

/// What is said of a file of another version; clients know the sentence.
pub const INVALID_VERSION: &str = "Invalid blueprint version";

/// The start of the name of models that are instructions, not objects: they need no identifiers.
const META_MODELS: &str = "authentik_blueprints.meta";

/// One file.
#[derive(Debug, Clone, PartialEq)]
pub struct Blueprint {
    /// Always 1, also when the file does not say so.
    pub version: i64,
    /// Name and labels.
    pub metadata: Option<Metadata>,
    /// Defaults of the context, tags unresolved: [`crate::tags::resolve_context`].
    pub context: Vec<(String, Node)>,
    /// What to apply, in order.
    pub entries: Vec<Entry>,
}

/// Who this blueprint is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// The name.
    pub name: String,
    /// Labels; values are text.
    pub labels: BTreeMap<String, String>,
}

/// What becomes of the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// Created, or its `attrs` set again.
    #[default]
    Present,
    /// Created; left alone when it is there.
    Created,
    /// Created; an error when it is there.
    MustCreated,
    /// Deleted.
    Absent,
}

/// One object.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Model in `app.model` notation, or a tag that becomes one: [`crate::tags::model_of`].
    pub model: Node,
    /// What becomes of the object, or a tag that becomes its word: [`crate::tags::state_of`]. Nothing: it is present.
    pub state: Option<Node>,
    /// What finds the object: a mapping, or a tag that becomes one.
    pub identifiers: Node,
    /// What is set on the object: a mapping (an empty one if left out), or a tag that becomes one.
    pub attrs: Node,
    /// All must be true, or the entry is passed over: [`crate::tags::conditions_hold`].
    pub conditions: Vec<Node>,
    /// Permissions on the object.
    pub permissions: Vec<Permission>,
    /// The name for `!KeyOf`.
    pub id: Option<String>,
    /// Line of the entry in its file.
    pub line: usize,
    /// Column of the entry in its line.
    pub column: usize,
}

/// A permission on the object, for a user or a role.
#[derive(Debug, Clone, PartialEq)]
pub struct Permission {
    /// The permission's code name, a text or a tag.
    pub permission: Node,
    /// Primary key of a user.
    pub user: Option<Node>,
    /// Primary key of a role.
    pub role: Option<Node>,
}

impl Blueprint {
    /// Parses a file.
    pub fn parse(text: &str) -> Result<Self, BlueprintError> {
        Self::from_node(&yaml::parse(text)?)
    }

    /// Gives a tree its shape. Keys at the top that are not known are passed over: they are a place to keep anchors.
    pub fn from_node(node: &Node) -> Result<Self, BlueprintError> {
        mapping(node, "a blueprint")?;
        Ok(Self {
            version: version(node.get("version"))?,
            metadata: present(node.get("metadata")).map(metadata).transpose()?,
            context: present(node.get("context")).map(context).transpose()?.unwrap_or_default(),
            entries: entries(node)?,
        })
    }

    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.metadata.as_ref()?.labels.get(name).map(String::as_str)
    }
}

impl State {
    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Created => "created",
            Self::MustCreated => "must_created",
            Self::Absent => "absent",
        }
    }

    /// The state that a word in the file means.
    pub(crate) fn read(node: &Node, text: &str) -> Result<Self, BlueprintError> {
        let all = [Self::Present, Self::Created, Self::MustCreated, Self::Absent];
        all.into_iter().find(|state| state.as_str() == text).ok_or_else(|| {
            node.error(format!("unknown state `{text}`, expected present, created, must_created or absent"))
        })
    }
}

impl Entry {
    /// An error at this entry.
    pub fn error(&self, message: impl Into<String>) -> BlueprintError {
        BlueprintError::new(self.line, self.column, message)
    }

    fn from_node(node: &Node) -> Result<Self, BlueprintError> {
        known_keys(node, "an entry", &["model", "state", "identifiers", "attrs", "conditions", "permissions", "id"])?;
        let model = present(node.get("model"))
            .ok_or_else(|| node.error("the entry needs a `model`, like authentik_flows.flow"))?;
        let state = present(node.get("state"));
        // What a tag says is read when it is known.
        if !model.is_tag() {
            check_model(model, &text(model, "model")?)?;
        }
        if let Some(state) = state.filter(|state| !state.is_tag()) {
            State::read(state, &text(state, "state")?)?;
        }
        let empty = Node { value: NodeValue::Mapping(Vec::new()), ..node.clone() };
        let identifiers = fields(node, "identifiers")?.unwrap_or_else(|| empty.clone());
        let nothing = matches!(&identifiers.value, NodeValue::Mapping(pairs) if pairs.is_empty());
        if let (true, Some(name)) = (nothing, model.to_text().filter(|name| !is_instruction(name))) {
            return Err(node.error(needs_identifiers(&name)));
        }
        Ok(Self {
            state: state.cloned(),
            identifiers,
            attrs: fields(node, "attrs")?.unwrap_or(empty),
            conditions: list(node, "conditions")?.to_vec(),
            permissions: list(node, "permissions")?.iter().map(permission).collect::<Result<_, _>>()?,
            id: present(node.get("id")).map(|id| text(id, "id")).transpose()?,
            line: node.line,
            column: node.column,
            model: model.clone(),
        })
    }
}

/// Whether a model's entries are instructions, which need no identifiers.
pub fn is_instruction(model: &str) -> bool {
    model.to_ascii_lowercase().starts_with(META_MODELS)
}

/// What is said of an entry that nothing identifies.
pub fn needs_identifiers(model: &str) -> String {
    format!("the entry of {model} needs `identifiers`, a mapping that finds the object")
}

fn version(node: Option<&Node>) -> Result<i64, BlueprintError> {
    match node {
        None | Some(Node { value: NodeValue::Int(1), .. }) => Ok(1),
        Some(node) => Err(node.error(INVALID_VERSION)),
    }
}

fn metadata(node: &Node) -> Result<Metadata, BlueprintError> {
    mapping(node, "`metadata`")?;
    let name = present(node.get("name")).ok_or_else(|| node.error("`metadata` needs a `name`"))?;
    let mut labels = BTreeMap::new();
    if let Some(node) = present(node.get("labels")) {
        for (key, value) in mapping(node, "`labels`")? {
            labels.insert(text(key, "a label's name")?, text(value, "a label")?);
        }
    }
    Ok(Metadata { name: text(name, "name")?, labels })
}

fn context(node: &Node) -> Result<Vec<(String, Node)>, BlueprintError> {
    mapping(node, "`context`")?.iter().map(|(key, value)| Ok((text(key, "a key")?, value.clone()))).collect()
}

/// A list of entries, or a mapping of lists, which follow one another.
fn entries(blueprint: &Node) -> Result<Vec<Entry>, BlueprintError> {
    let node = blueprint.get("entries").ok_or_else(|| blueprint.error("a blueprint needs `entries`, a list"))?;
    let entries: Vec<Entry> = match &node.value {
        NodeValue::Null => Vec::new(),
        NodeValue::Sequence(items) => items.iter().map(Entry::from_node).collect::<Result<_, _>>()?,
        NodeValue::Mapping(groups) => {
            let mut entries = Vec::new();
            for (_, group) in groups {
                for item in sequence(group, "a group of entries")? {
                    entries.push(Entry::from_node(item)?);
                }
            }
            entries
        }
        _ => return Err(node.error(format!("`entries` is {}, expected a list", node.kind()))),
    };
    let mut lines = HashMap::new();
    for entry in &entries {
        let Some(id) = &entry.id else { continue };
        if let Some(line) = lines.insert(id, entry.line) {
            return Err(entry.error(format!("the id `{id}` is already used by the entry on line {line}")));
        }
    }
    Ok(entries)
}

pub(crate) fn check_model(node: &Node, name: &str) -> Result<(), BlueprintError> {
    match name.split_once('.') {
        Some((app, model)) if !app.is_empty() && !model.is_empty() && !model.contains('.') => Ok(()),
        _ => Err(node.error(format!("`{name}` is no model, expected app.model like authentik_flows.flow"))),
    }
}

fn permission(node: &Node) -> Result<Permission, BlueprintError> {
    known_keys(node, "a permission", &["permission", "user", "role"])?;
    let (user, role) = (present(node.get("user")), present(node.get("role")));
    if user.is_none() && role.is_none() {
        return Err(node.error("a permission needs a `user` or a `role`"));
    }
    let permission = present(node.get("permission"))
        .filter(|node| matches!(node.value, NodeValue::String(_) | NodeValue::Tagged(..)))
        .ok_or_else(|| node.error("a permission needs `permission`, the name of what is allowed"))?;
    Ok(Permission { permission: permission.clone(), user: user.cloned(), role: role.cloned() })
}

/// A mapping or a tag below a key of an entry; `None` if there is nothing.
fn fields(entry: &Node, key: &str) -> Result<Option<Node>, BlueprintError> {
    let Some(node) = present(entry.get(key)) else { return Ok(None) };
    match node.value {
        NodeValue::Mapping(_) | NodeValue::Tagged(..) => Ok(Some(node.clone())),
        _ => Err(node.error(format!("`{key}` is {}, expected a mapping", node.kind()))),
    }
}

fn list<'n>(entry: &'n Node, key: &str) -> Result<&'n [Node], BlueprintError> {
    present(entry.get(key)).map_or(Ok(&[]), |node| sequence(node, &format!("`{key}`")))
}

/// A key that is written without a value counts as left out.
fn present(node: Option<&Node>) -> Option<&Node> {
    node.filter(|node| node.value != NodeValue::Null)
}

fn mapping<'n>(node: &'n Node, what: &str) -> Result<&'n [(Node, Node)], BlueprintError> {
    match &node.value {
        NodeValue::Mapping(pairs) => Ok(pairs),
        _ => Err(node.error(format!("{what} must be a mapping, this is {}", node.kind()))),
    }
}

fn sequence<'n>(node: &'n Node, what: &str) -> Result<&'n [Node], BlueprintError> {
    match &node.value {
        NodeValue::Sequence(items) => Ok(items),
        _ => Err(node.error(format!("{what} must be a list, this is {}", node.kind()))),
    }
}

fn text(node: &Node, what: &str) -> Result<String, BlueprintError> {
    match node.value {
        NodeValue::Null => Err(node.error(format!("{what} must be text, this is nothing"))),
        _ => node.to_text().ok_or_else(|| node.error(format!("{what} must be text, this is {}", node.kind()))),
    }
}

fn known_keys(node: &Node, what: &str, known: &[&str]) -> Result<(), BlueprintError> {
    for (key, _) in mapping(node, what)? {
        let name = text(key, "a key")?;
        if !known.contains(&name.as_str()) {
            return Err(key.error(format!("{what} has no `{name}`, expected one of {}", known.join(", "))));
        }
    }
    Ok(())
}
