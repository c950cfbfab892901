//! A plain program is walked through.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::Timelike as _;
use futures::future::BoxFuture;

use super::{Call, Comparison, Each, Expression, Plain, Statement};
use crate::budget::Budget;
use crate::evaluate::Outcome;
use crate::object::{Arguments, Host, Object};
use crate::value::Value;

/// Steps that are taken at most: the interpreter, which looks at the time, takes more.
const MOST: usize = 2_000;
/// How deep what comes out may be.
const DEEPEST: usize = 32;

/// What a program comes to. `None`: it is not as plain as it looks, and nothing has happened.
pub(crate) async fn run(
    program: &Plain,
    inputs: &[(String, Value)],
    host: &dyn Host,
    budget: &Budget,
) -> Option<Outcome> {
    let mut walk = Walk { inputs, host, told: Vec::new(), own: Vec::new(), met: Vec::new(), left: MOST };
    let value = match walk.block(&program.0).await? {
        Flow::Back(value) => value.into_owned(),
        Flow::On => Value::None,
    };
    let context = input(inputs, "context").cloned().unwrap_or(Value::Dict(Vec::new()));
    let mut output = budget.output;
    (fits(&value, &mut output, 0) && fits(&context, &mut output, 0)).then(|| Outcome {
        value,
        context,
        ..Outcome::default()
    })
}

fn input<'r>(inputs: &'r [(String, Value)], name: &str) -> Option<&'r Value> {
    inputs.iter().find(|(input, _)| input == name).map(|(_, value)| value)
}

/// Whether a value comes out of the interpreter as it is, and is no more than may come out.
fn fits(value: &Value, left: &mut usize, depth: usize) -> bool {
    let weight = match value {
        Value::Str(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 0,
    };
    let Some(rest) = left.checked_sub(weight.saturating_add(8)) else { return false };
    *left = rest;
    depth < DEEPEST
        && match value {
            Value::List(values) => values.iter().all(|value| fits(value, left, depth + 1)),
            Value::Dict(pairs) => pairs.iter().all(|(key, value)| {
                let rest = left.checked_sub(key.len());
                *left = rest.unwrap_or_default();
                rest.is_some() && fits(value, left, depth + 1)
            }),
            Value::DateTime(moment) => moment.nanosecond() % 1000 == 0 && moment.nanosecond() < 1_000_000_000,
            _ => true,
        }
}

type Seen<'r> = Cow<'r, Value>;

/// How it goes on behind some statements.
enum Flow<'r> {
    On,
    /// They have returned something.
    Back(Seen<'r>),
}

/// What somebody is asked for by a name.
enum Found<'r> {
    It(Seen<'r>),
    Nothing,
}

impl<'r> Found<'r> {
    fn or_none(self) -> Option<Seen<'r>> {
        match self {
            Self::It(value) => Some(value),
            Self::Nothing => None,
        }
    }
}

type Attributes = Arc<[(String, Value)]>;

struct Walk<'r> {
    inputs: &'r [(String, Value)],
    host: &'r dyn Host,
    /// What the host has said names stand for.
    told: Vec<(&'r str, Value)>,
    /// The program's own names; of two of one name the later.
    own: Vec<(&'r str, Seen<'r>)>,
    /// Objects whose attributes were asked for.
    met: Vec<(Arc<dyn Object>, Attributes)>,
    left: usize,
}

impl<'r> Walk<'r> {
    /// Runs statements.
    fn block<'a>(&'a mut self, statements: &'r [Statement]) -> BoxFuture<'a, Option<Flow<'r>>>
    where
        'r: 'a,
    {
        Box::pin(async move {
            for statement in statements {
                match statement {
                    Statement::Assign(name, value) => {
                        let value = self.value(value).await?;
                        self.own.retain(|(known, _)| *known != &**name);
                        self.own.push((name, value));
                    }
                    Statement::If(test, then, otherwise) => {
                        let holds = self.value(test).await?.truthy();
                        if let back @ Flow::Back(_) = self.block(if holds { then } else { otherwise }).await? {
                            return Some(back);
                        }
                    }
                    Statement::Return(value) => return self.value(value).await.map(Flow::Back),
                }
            }
            Some(Flow::On)
        })
    }

    fn value<'a>(&'a mut self, expression: &'r Expression) -> BoxFuture<'a, Option<Seen<'r>>>
    where
        'r: 'a,
    {
        Box::pin(async move {
            self.left = self.left.checked_sub(1)?;
            Some(match expression {
                Expression::Constant(value) => Cow::Borrowed(value),
                Expression::Own(name) => self.own.iter().rev().find(|(known, _)| *known == &**name)?.1.clone(),
                Expression::Input(name) => self.given(name).await?,
                Expression::Attribute(of, name) => {
                    let of = self.value(of).await?;
                    self.attribute(&of, name).await?.or_none()?
                }
                Expression::HasAttribute(of, name) => {
                    let of = self.value(of).await?;
                    let has = match &*of {
                        Value::None => false,
                        Value::Object(_) => self.attribute(&of, name).await?.or_none().is_some(),
                        _ => return None,
                    };
                    Cow::Owned(Value::Bool(has))
                }
                Expression::Item(of, key) => taken(self.value(of).await?, key)?.or_none()?,
                Expression::Call(call) => self.call(call).await?,
                Expression::List(values) => {
                    let mut list = Vec::with_capacity(values.len());
                    for value in values {
                        list.push(self.value(value).await?.into_owned());
                    }
                    Cow::Owned(Value::List(list))
                }
                Expression::Dict(pairs) => {
                    let mut dict = Vec::with_capacity(pairs.len());
                    for (key, value) in pairs {
                        dict.push(((**key).to_owned(), self.value(value).await?.into_owned()));
                    }
                    Cow::Owned(Value::Dict(dict))
                }
                Expression::Each(each) => self.each(each).await?,
                Expression::Not(value) => Cow::Owned(Value::Bool(!self.value(value).await?.truthy())),
                Expression::Or(values) => self.first(values, true).await?,
                Expression::And(values) => self.first(values, false).await?,
                Expression::Choice(choice) => {
                    let [test, then, otherwise] = &**choice;
                    let holds = self.value(test).await?.truthy();
                    self.value(if holds { then } else { otherwise }).await?
                }
                Expression::Compare(sides, comparison) => {
                    let [left, right] = &**sides;
                    let (left, right) = (self.value(left).await?, self.value(right).await?);
                    Cow::Owned(Value::Bool(compare(&left, &right, *comparison)?))
                }
                Expression::Text(parts) => {
                    let mut text = String::new();
                    for part in parts {
                        match &*self.value(part).await? {
                            Value::Str(part) => text.push_str(part),
                            Value::Int(number) => text.push_str(&number.to_string()),
                            _ => return None,
                        }
                    }
                    Cow::Owned(Value::Str(text))
                }
            })
        })
    }

    /// What the program was given under a name, or the host has for it.
    async fn given(&mut self, name: &'r str) -> Option<Seen<'r>> {
        if let Some(value) = input(self.inputs, name) {
            return Some(Cow::Borrowed(value));
        }
        if let Some((_, value)) = self.told.iter().find(|(told, _)| *told == name) {
            return Some(Cow::Owned(value.clone()));
        }
        let value = self.host.name(name).await.ok()??;
        self.told.push((name, value.clone()));
        Some(Cow::Owned(value))
    }

    /// The first that is `wanted`, or the last.
    async fn first(&mut self, values: &'r [Expression], wanted: bool) -> Option<Seen<'r>> {
        let mut last = None;
        for value in values {
            let value = self.value(value).await?;
            if value.truthy() == wanted {
                return Some(value);
            }
            last = Some(value);
        }
        last
    }

    async fn each(&mut self, each: &'r Each) -> Option<Seen<'r>> {
        let over = self.value(&each.over).await?;
        let Value::List(values) = over.into_owned() else { return None };
        let mut made = Vec::new();
        'values: for value in values {
            self.own.push((&each.name, Cow::Owned(value)));
            for condition in &each.conditions {
                if !self.value(condition).await?.truthy() {
                    self.own.pop();
                    continue 'values;
                }
            }
            made.push(self.value(&each.element).await?.into_owned());
            self.own.pop();
        }
        Some(Cow::Owned(Value::List(made)))
    }

    /// An attribute of an object.
    async fn attribute(&mut self, of: &Value, name: &str) -> Option<Found<'r>> {
        let Value::Object(object) = of else { return None };
        if name == "context" && self.has_context(object) {
            return Some(Found::It(match input(self.inputs, "context") {
                Some(context) => Cow::Borrowed(context),
                None => Cow::Owned(Value::Dict(Vec::new())),
            }));
        }
        let found = self.met.iter().position(|(met, _)| Arc::ptr_eq(met, object));
        let found = found.unwrap_or_else(|| {
            self.met.push((Arc::clone(object), object.attributes().into()));
            self.met.len() - 1
        });
        let (_, attributes) = self.met.get(found)?;
        if let Some((_, value)) = attributes.iter().find(|(known, _)| known == name) {
            return Some(Found::It(Cow::Owned(value.clone())));
        }
        let found = object.attribute(name).await.ok()?;
        Some(found.map_or(Found::Nothing, |value| Found::It(Cow::Owned(value))))
    }

    /// Whether the program's `context` is an object's, too: the request's, and that of the plan within it.
    fn has_context(&self, object: &Arc<dyn Object>) -> bool {
        let plan = input(self.inputs, "context").and_then(|context| context.get("flow_plan"));
        let told = self.told.iter().find(|(told, _)| *told == "request").map(|(_, value)| value);
        [input(self.inputs, "request").or(told), plan].into_iter().flatten().any(|value| match value {
            Value::Object(known) => Arc::ptr_eq(known, object),
            _ => false,
        })
    }

    async fn call(&mut self, call: &'r Call) -> Option<Seen<'r>> {
        let of = self.value(&call.of).await?;
        let mut arguments = Arguments::default();
        for value in &call.positional {
            arguments.positional.push(self.value(value).await?.into_owned());
        }
        for (name, value) in &call.named {
            arguments.named.push(((**name).to_owned(), self.value(value).await?.into_owned()));
        }
        match &*of {
            Value::Object(object) => object.call(&call.method, arguments).await.ok().map(Cow::Owned),
            Value::Dict(_) if *call.method == *"get" && arguments.named.is_empty() => {
                let mut given = arguments.positional.into_iter();
                let (Some(Value::Str(key)), default, None) = (given.next(), given.next(), given.next()) else {
                    return None;
                };
                Some(taken(of, &key)?.or_none().unwrap_or_else(|| Cow::Owned(default.unwrap_or_default())))
            }
            _ => None,
        }
    }
}

/// What a dictionary has under a key.
fn taken<'r>(of: Seen<'r>, key: &str) -> Option<Found<'r>> {
    let found = match of {
        Cow::Borrowed(of @ Value::Dict(_)) => of.get(key).map(Cow::Borrowed),
        Cow::Owned(Value::Dict(pairs)) => {
            pairs.into_iter().find(|(known, _)| known == key).map(|(_, value)| Cow::Owned(value))
        }
        _ => return None,
    };
    Some(found.map_or(Found::Nothing, Found::It))
}

/// A comparison, where there is nothing to it.
fn compare(left: &Value, right: &Value, comparison: Comparison) -> Option<bool> {
    Some(match comparison {
        Comparison::Equal => is_same(left, right)?,
        Comparison::Unequal => !is_same(left, right)?,
        Comparison::Is => matches!(left, Value::None),
        Comparison::IsNot => !matches!(left, Value::None),
        Comparison::In => is_in(left, right)?,
        Comparison::NotIn => !is_in(left, right)?,
    })
}

fn is_same(left: &Value, right: &Value) -> Option<bool> {
    match (left, right) {
        (Value::Str(left), Value::Str(right)) => Some(left == right),
        (Value::Int(left), Value::Int(right)) => Some(left == right),
        (Value::Bool(left), Value::Bool(right)) => Some(left == right),
        (Value::None, Value::None) => Some(true),
        (Value::None, Value::Str(_) | Value::Int(_) | Value::Bool(_))
        | (Value::Str(_) | Value::Int(_) | Value::Bool(_), Value::None)
        | (Value::Str(_), Value::Int(_) | Value::Bool(_))
        | (Value::Int(_) | Value::Bool(_), Value::Str(_)) => Some(false),
        _ => None,
    }
}

fn is_in(left: &Value, right: &Value) -> Option<bool> {
    match (left, right) {
        (Value::Str(key), Value::Dict(_)) => Some(right.get(key).is_some()),
        (Value::Str(part), Value::Str(whole)) => Some(whole.contains(part.as_str())),
        (Value::Str(_), Value::List(values)) => {
            let mut found = false;
            for value in values {
                found |= is_same(left, value)?;
            }
            Some(found)
        }
        _ => None,
    }
}
