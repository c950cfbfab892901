//! Programs that have been compiled: a text is compiled once. A cache of a pure function, which is why it may be global.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// How many are kept, at most.
const KEPT: usize = 512;

/// What was used lately, and what was used before.
type Halves<V> = (HashMap<Arc<str>, V>, HashMap<Arc<str>, V>);

/// Keeps up to [`KEPT`] values by text; those not used since the last clearing go first.
pub(crate) struct Cache<V> {
    halves: Mutex<Halves<V>>,
}

impl<V: Clone> Cache<V> {
    pub(crate) const fn new() -> LazyLock<Self> {
        LazyLock::new(|| Self { halves: Mutex::new((HashMap::new(), HashMap::new())) })
    }

    pub(crate) fn get(&self, key: &str) -> Option<V> {
        let mut halves = self.halves.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = halves.0.get(key) {
            return Some(value.clone());
        }
        let (key, value) = halves.1.remove_entry(key)?;
        insert(&mut halves, key, value.clone());
        Some(value)
    }

    pub(crate) fn put(&self, key: &str, value: V) {
        let mut halves = self.halves.lock().unwrap_or_else(PoisonError::into_inner);
        insert(&mut halves, key.into(), value);
    }
}

fn insert<V>(halves: &mut Halves<V>, key: Arc<str>, value: V) {
    if halves.0.len() >= KEPT / 2 {
        halves.1 = std::mem::take(&mut halves.0);
    }
    halves.0.insert(key, value);
}
