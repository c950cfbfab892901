//! Values on their way into the interpreter and out of it, and the objects of the host that it knows by a number.

use std::sync::Arc;

use chrono::{DateTime, Datelike, TimeDelta, TimeZone, Timelike, Utc};
use monty_types::{DictPairs, MontyClassInstance, MontyClassType, MontyDateTime, MontyObject, MontyUuid};
use uuid::Uuid;

use crate::object::Object;
use crate::value::Value;

/// The deepest value that is carried.
const DEEPEST: usize = 64;

/// More came out than may.
pub(crate) struct TooMuch;

/// An object, and its attributes as the program has left them.
pub(crate) type Changed = (Arc<dyn Object>, Vec<(String, Value)>);

/// Objects that a run has met.
#[derive(Default)]
pub(crate) struct Objects {
    met: Vec<(Option<String>, Arc<dyn Object>)>,
}

impl Objects {
    /// The object of a number.
    pub(crate) fn find(&self, id: MontyUuid) -> Option<Arc<dyn Object>> {
        let number = usize::try_from(u128::from_be_bytes(*id.as_bytes())).ok()?;
        self.met.get(number.checked_sub(1)?).map(|(_, object)| object.clone())
    }

    fn number(&mut self, object: Arc<dyn Object>) -> MontyUuid {
        let identity = object.identity();
        let known = self
            .met
            .iter()
            .position(|(other, met)| Arc::ptr_eq(met, &object) || (identity.is_some() && *other == identity));
        let number = known.unwrap_or_else(|| {
            self.met.push((identity, object));
            self.met.len() - 1
        });
        MontyUuid::from_u128(number as u128 + 1)
    }

    /// A value for the interpreter.
    pub(crate) fn inward(&mut self, value: Value) -> MontyObject {
        match value {
            Value::None => MontyObject::None,
            Value::Bool(value) => MontyObject::Bool(value),
            Value::Int(value) => MontyObject::Int(value),
            Value::Float(value) => MontyObject::Float(value),
            Value::Str(text) => MontyObject::String(text),
            Value::Bytes(bytes) => MontyObject::Bytes(bytes),
            Value::DateTime(moment) => MontyObject::DateTime(date_time(moment)),
            Value::List(values) => MontyObject::List(values.into_iter().map(|value| self.inward(value)).collect()),
            Value::Dict(pairs) => self.pairs(pairs),
            Value::Object(object) => {
                let class = object.class().to_owned();
                let attributes = object.attributes();
                let instance_id = self.number(object);
                let attrs = attributes.into_iter().map(|(name, value)| (MontyObject::String(name), self.inward(value)));
                let attrs = DictPairs::from(attrs.collect::<Vec<_>>());
                let id = MontyUuid::from_bytes(*Uuid::new_v5(&Uuid::NAMESPACE_OID, class.as_bytes()).as_bytes());
                let none = DictPairs::from(Vec::new());
                let class_type =
                    MontyClassType { name: class, id, host_defined: true, is_dataclass: false, attrs: none };
                MontyObject::ClassInstance(Box::new(MontyClassInstance { class_type, instance_id, attrs }))
            }
        }
    }

    fn pairs(&mut self, pairs: Vec<(String, Value)>) -> MontyObject {
        let pairs = pairs.into_iter().map(|(key, value)| (MontyObject::String(key), self.inward(value)));
        MontyObject::Dict(DictPairs::from(pairs.collect::<Vec<_>>()))
    }

    /// A value from the interpreter; what it weighs is taken from `left`, bytes.
    pub(crate) fn outward(&self, object: MontyObject, left: &mut usize) -> Result<Value, TooMuch> {
        self.outward_at(object, left, 0)
    }

    fn outward_at(&self, object: MontyObject, left: &mut usize, depth: usize) -> Result<Value, TooMuch> {
        if depth > DEEPEST {
            return Err(TooMuch);
        }
        take(left, 8)?;
        Ok(match object {
            MontyObject::None => Value::None,
            MontyObject::Bool(value) => Value::Bool(value),
            MontyObject::Int(value) => Value::Int(value),
            MontyObject::Float(value) => Value::Float(value),
            MontyObject::String(text) => {
                take(left, text.len())?;
                Value::Str(text)
            }
            MontyObject::Bytes(bytes) => {
                take(left, bytes.len())?;
                Value::Bytes(bytes)
            }
            MontyObject::List(values)
            | MontyObject::Tuple(values)
            | MontyObject::Set(values)
            | MontyObject::FrozenSet(values)
            | MontyObject::NamedTuple { values, .. } => {
                let values = values.into_iter().map(|value| self.outward_at(value, left, depth + 1));
                Value::List(values.collect::<Result<_, _>>()?)
            }
            MontyObject::Dict(pairs) => Value::Dict(self.named(pairs, left, depth)?),
            MontyObject::DateTime(moment) => from_date_time(&moment)
                .map_or_else(|| Value::Str(MontyObject::DateTime(moment).to_string()), Value::DateTime),
            MontyObject::ClassInstance(instance) => match self.find(instance.instance_id) {
                Some(object) if instance.class_type.host_defined => Value::Object(object),
                _ => {
                    // Objects of the prelude know their text.
                    let named = self.named(instance.attrs, left, depth)?;
                    let text = named.into_iter().find(|(name, _)| name == "_text").map(|(_, text)| text);
                    text.unwrap_or_else(|| Value::Str(format!("<{} object>", instance.class_type.name)))
                }
            },
            other => {
                let text = other.to_string();
                take(left, text.len())?;
                Value::Str(text)
            }
        })
    }

    /// A dictionary from the interpreter.
    fn named(&self, pairs: DictPairs, left: &mut usize, depth: usize) -> Result<Vec<(String, Value)>, TooMuch> {
        let one = |(key, value): (MontyObject, MontyObject)| {
            let key = key.to_string();
            take(left, key.len())?;
            Ok((key, self.outward_at(value, left, depth + 1)?))
        };
        pairs.into_iter().map(one).collect()
    }

    /// The attributes of an object as the program has left them.
    pub(crate) fn attributes(&self, object: MontyObject, left: &mut usize) -> Result<Option<Changed>, TooMuch> {
        let MontyObject::ClassInstance(instance) = object else { return Ok(None) };
        let Some(object) = self.find(instance.instance_id) else { return Ok(None) };
        Ok(Some((object, self.named(instance.attrs, left, 0)?)))
    }
}

fn take(left: &mut usize, bytes: usize) -> Result<(), TooMuch> {
    *left = left.checked_sub(bytes).ok_or(TooMuch)?;
    Ok(())
}

/// A moment, aware of its zone.
pub(crate) fn date_time(moment: DateTime<Utc>) -> MontyDateTime {
    let small = |number: u32| u8::try_from(number).unwrap_or_default();
    MontyDateTime {
        year: moment.year(),
        month: small(moment.month()),
        day: small(moment.day()),
        hour: small(moment.hour()),
        minute: small(moment.minute()),
        second: small(moment.second()),
        microsecond: (moment.nanosecond() / 1000).min(999_999),
        offset_seconds: Some(0),
        timezone_name: None,
    }
}

fn from_date_time(moment: &MontyDateTime) -> Option<DateTime<Utc>> {
    let (month, day) = (u32::from(moment.month), u32::from(moment.day));
    let (hour, minute, second) = (u32::from(moment.hour), u32::from(moment.minute), u32::from(moment.second));
    let at = Utc.with_ymd_and_hms(moment.year, month, day, hour, minute, second).single()?;
    let offset = TimeDelta::seconds(i64::from(moment.offset_seconds.unwrap_or(0)));
    Some(at - offset + TimeDelta::microseconds(i64::from(moment.microsecond)))
}
