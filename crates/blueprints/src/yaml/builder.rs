//! From the parser's events to nodes: aliases, merge keys, tags, and the limits while the tree grows.

use std::collections::{BTreeMap, HashMap, HashSet};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use super::scalar::{is_null, parse_bool, parse_float, parse_int, resolve_plain};
use super::{MAX_DEPTH, MAX_NODES, MAX_TEXT, Node, NodeValue};
use crate::error::BlueprintError;

const CORE: &str = "tag:yaml.org,2002:";
/// The tag of a mapping that is a set: its keys are what counts.
const SET: &str = "!!set";

/// Builds the tree of the one document in the text.
pub(super) fn build(text: &str) -> Result<Node, BlueprintError> {
    let mut parser = Parser::new_from_str(text);
    let mut builder = Builder::default();
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| at(error.marker()).error(format!("YAML: {}", error.info())))?;
        builder.take(event, at(&span.start))?;
    }
    Ok(builder.root.unwrap_or(Node { value: NodeValue::Null, line: 1, column: 1 }))
}

#[derive(Debug, Clone, Copy)]
struct Position {
    line: usize,
    column: usize,
}

fn at(marker: &Marker) -> Position {
    Position { line: marker.line().max(1), column: marker.col() + 1 }
}

impl Position {
    fn error(self, message: impl Into<String>) -> BlueprintError {
        BlueprintError::new(self.line, self.column, message)
    }

    fn node(self, value: NodeValue) -> Node {
        Node { value, line: self.line, column: self.column }
    }
}

/// What an anchor stands for, and what each use of it costs.
struct Anchored {
    node: Node,
    size: Size,
}

#[derive(Clone, Copy, Default)]
struct Size {
    nodes: usize,
    text: usize,
    depth: usize,
}

/// A collection that is still open.
struct Open {
    start: Position,
    tag: Option<String>,
    anchor: usize,
    content: Content,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping { pairs: Vec<Pair>, key: Option<(Node, bool)> },
}

struct Pair {
    key: Node,
    value: Node,
    merge: bool,
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: BTreeMap<usize, Anchored>,
    documents: usize,
    nodes: usize,
    text: usize,
    root: Option<Node>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, start: Position) -> Result<(), BlueprintError> {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(start.error("a second document begins here; a blueprint is one document"));
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.spend(start, Size { nodes: 1, text: text.len(), depth: 0 })?;
                let plain = style == ScalarStyle::Plain && tag.is_none();
                let value = scalar(&text, style, tag.as_deref(), start).map_err(|message| start.error(message))?;
                self.add(start.node(value), anchor, plain && text == "<<")
            }
            Event::SequenceStart(anchor, tag) => {
                self.open(start, anchor, tag.as_deref(), "seq", Content::Sequence(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.open(start, anchor, tag.as_deref(), "map", Content::Mapping { pairs: Vec::new(), key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => {
                let Some(anchored) = self.anchors.get(&anchor) else {
                    return Err(start.error("the alias stands inside the value it names"));
                };
                let (node, size) = (&anchored.node, anchored.size);
                // The copy is made only when it is known to fit.
                if self.open.len() + size.depth > MAX_DEPTH {
                    return Err(start.error(format!("the alias nests deeper than {MAX_DEPTH} levels")));
                }
                let node = if self.fits(size) { node.clone() } else { start.node(NodeValue::Null) };
                self.spend(start, size)?;
                self.add(node, 0, false)
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn fits(&self, size: Size) -> bool {
        self.nodes.saturating_add(size.nodes) <= MAX_NODES && self.text.saturating_add(size.text) <= MAX_TEXT
    }

    fn spend(&mut self, start: Position, size: Size) -> Result<(), BlueprintError> {
        if !self.fits(size) {
            let message = format!("the document expands to more than {MAX_NODES} values or {MAX_TEXT} bytes of text");
            return Err(start.error(message));
        }
        self.nodes += size.nodes;
        self.text += size.text;
        Ok(())
    }

    fn open(
        &mut self,
        start: Position,
        anchor: usize,
        tag: Option<&Tag>,
        core: &str,
        content: Content,
    ) -> Result<(), BlueprintError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(start.error(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.spend(start, Size { nodes: 1, text: 0, depth: 0 })?;
        let tag = match tag {
            Some(tag) if tag.is_yaml_core_schema() && tag.suffix == core => None,
            Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "set" && core == "map" => Some(SET.to_owned()),
            Some(tag) if tag.is_yaml_core_schema() => {
                return Err(start.error(format!("the tag !!{} does not fit here", tag.suffix)));
            }
            Some(tag) => custom(tag),
            None => None,
        };
        self.open.push(Open { start, tag, anchor, content });
        Ok(())
    }

    fn close(&mut self) -> Result<(), BlueprintError> {
        let Some(Open { start, tag, anchor, content }) = self.open.pop() else { return Ok(()) };
        let is_set = tag.as_deref() == Some(SET);
        let tag = tag.filter(|_| !is_set);
        let value = match content {
            Content::Sequence(items) => NodeValue::Sequence(items),
            Content::Mapping { pairs, .. } if is_set => NodeValue::Sequence(members(pairs)?),
            Content::Mapping { pairs, .. } => NodeValue::Mapping(merged(pairs)?),
        };
        let mut node = start.node(value);
        if let Some(tag) = tag {
            node = start.node(NodeValue::Tagged(tag, Box::new(node)));
        }
        self.add(node, anchor, false)
    }

    /// Puts a finished node where it belongs. `merge`: it is a plain `<<`.
    fn add(&mut self, node: Node, anchor: usize, merge: bool) -> Result<(), BlueprintError> {
        if anchor > 0 {
            let size = measure(&node);
            self.anchors.insert(anchor, Anchored { node: node.clone(), size });
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(node),
            Some(Content::Sequence(items)) => items.push(node),
            Some(Content::Mapping { pairs, key }) => match key.take() {
                Some((key, merge)) => pairs.push(Pair { key, value: node, merge }),
                None if node.to_text().is_none() => {
                    return Err(node.error(format!("a key must be a single value, this is {}", node.kind())));
                }
                None => *key = Some((node, merge)),
            },
        }
        Ok(())
    }
}

fn measure(node: &Node) -> Size {
    let mut size = Size { nodes: 1, text: 0, depth: 0 };
    let mut inner = |node: &Node| {
        let below = measure(node);
        size.nodes += below.nodes;
        size.text += below.text;
        size.depth = size.depth.max(below.depth);
    };
    match &node.value {
        NodeValue::String(text) => size.text = text.len(),
        NodeValue::Sequence(items) => {
            items.iter().for_each(&mut inner);
            size.depth += 1;
        }
        NodeValue::Mapping(pairs) => {
            pairs.iter().flat_map(|(key, value)| [key, value]).for_each(&mut inner);
            size.depth += 1;
        }
        NodeValue::Tagged(_, value) => inner(value),
        NodeValue::Null | NodeValue::Bool(_) | NodeValue::Int(_) | NodeValue::Float(_) => {}
    }
    size
}

/// The name of a tag of the document's own; `None` for the bare `!`, which says "no more than it looks".
fn custom(tag: &Tag) -> Option<String> {
    let name = format!("{}{}", tag.handle, tag.suffix);
    (name != "!").then_some(name)
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>, start: Position) -> Result<NodeValue, String> {
    let Some(tag) = tag else {
        return if style == ScalarStyle::Plain { resolve_plain(text) } else { Ok(NodeValue::String(text.to_owned())) };
    };
    if !tag.is_yaml_core_schema() {
        let raw = NodeValue::String(text.to_owned());
        return Ok(match custom(tag) {
            Some(name) => NodeValue::Tagged(name, Box::new(start.node(raw))),
            None => raw,
        });
    }
    let value = match tag.suffix.as_str() {
        "str" | "timestamp" => Some(NodeValue::String(text.to_owned())),
        "null" => is_null(text).then_some(NodeValue::Null),
        "bool" => parse_bool(text).map(NodeValue::Bool),
        "int" => parse_int(text)?.map(NodeValue::Int),
        "float" => match parse_int(text) {
            Ok(Some(_)) => text.replace('_', "").parse().ok().map(NodeValue::Float),
            _ => parse_float(text).map(NodeValue::Float),
        },
        other => return Err(format!("the tag {CORE}{other} is not supported")),
    };
    value.ok_or_else(|| format!("`{text}` is no !!{}", tag.suffix))
}

/// Applies merge keys: what is merged in comes first, what the mapping says itself wins, of several merged mappings the
/// earlier one wins. A key that is written twice is an error.
fn merged(pairs: Vec<Pair>) -> Result<Vec<(Node, Node)>, BlueprintError> {
    let mut own = Vec::with_capacity(pairs.len());
    let mut sources = Vec::new();
    let mut seen = HashSet::new();
    for Pair { key, value, merge } in pairs {
        if merge {
            sources.extend(merge_sources(value)?);
        } else if seen.insert(key.to_text()) {
            own.push((key, value));
        } else {
            let name = key.to_text().unwrap_or_default();
            return Err(key.error(format!("the key `{name}` is already in this mapping")));
        }
    }
    if sources.is_empty() {
        return Ok(own);
    }
    let mut result: Vec<(Node, Node)> = Vec::new();
    let mut place: HashMap<Option<String>, usize> = HashMap::new();
    for (key, value) in sources.into_iter().rev().flatten().chain(own) {
        let name = key.to_text();
        if let Some(slot) = place.get(&name).and_then(|index| result.get_mut(*index)) {
            *slot = (key, value);
        } else {
            place.insert(name, result.len());
            result.push((key, value));
        }
    }
    Ok(result)
}

/// The members of a set.
fn members(pairs: Vec<Pair>) -> Result<Vec<Node>, BlueprintError> {
    let pairs = merged(pairs)?;
    match pairs.iter().find(|(_, value)| value.value != NodeValue::Null) {
        Some((_, value)) => Err(value.error("the members of a !!set have no values")),
        None => Ok(pairs.into_iter().map(|(key, _)| key).collect()),
    }
}

fn merge_sources(value: Node) -> Result<Vec<Vec<(Node, Node)>>, BlueprintError> {
    let expected = "the merge key << needs a mapping or a list of mappings";
    match value.value {
        NodeValue::Mapping(pairs) => Ok(vec![pairs]),
        NodeValue::Sequence(items) => items
            .into_iter()
            .map(|item| match item.value {
                NodeValue::Mapping(pairs) => Ok(pairs),
                _ => Err(item.error(expected)),
            })
            .collect(),
        _ => Err(value.error(expected)),
    }
}
