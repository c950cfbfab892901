//! Python that goes before a text, as far as its words ask for it: what the interpreter or its library lacks.

use std::collections::HashSet;

/// Modules of the interpreter.
pub(super) const NATIVE: [&str; 12] = [
    "base64",
    "binascii",
    "collections",
    "dataclasses",
    "datetime",
    "functools",
    "itertools",
    "json",
    "math",
    "re",
    "typing",
    "unicodedata",
];

/// A module, or something else, that is written in Python.
struct Piece {
    /// What it is imported as; empty if it is not.
    module: &'static str,
    /// The variable that holds the module.
    variable: &'static str,
    /// One of these words in the text, or in a piece that is taken, brings it in.
    words: &'static [&'static str],
    source: &'static str,
}

/// In the order in which they stand: a piece needs only earlier ones.
const PIECES: [Piece; 14] = [
    Piece { module: "", variable: "", words: &["_vb_mod"], source: include_str!("../prelude/mod.py") },
    Piece { module: "", variable: "", words: &["_vb_or"], source: include_str!("../prelude/or.py") },
    Piece { module: "", variable: "", words: &["request", "flow_plan"], source: include_str!("../prelude/link.py") },
    Piece {
        module: "",
        variable: "",
        words: &["ip_address", "ip_network"],
        source: include_str!("../prelude/address.py"),
    },
    Piece {
        module: "",
        variable: "",
        words: &["network_address", "broadcast_address"],
        source: include_str!("../prelude/ends.py"),
    },
    Piece {
        module: "ipaddress",
        variable: "_vb_m_ipaddress",
        words: &["_vb_m_ipaddress"],
        source: include_str!("../prelude/ipaddress.py"),
    },
    Piece { module: "", variable: "", words: &["ak_client_ip"], source: include_str!("../prelude/client_ip.py") },
    Piece {
        module: "uuid",
        variable: "_vb_m_uuid",
        words: &["_vb_m_uuid"],
        source: include_str!("../prelude/uuid.py"),
    },
    Piece {
        module: "hashlib",
        variable: "_vb_m_hashlib",
        words: &["_vb_m_hashlib"],
        source: include_str!("../prelude/hashlib.py"),
    },
    Piece {
        module: "urllib.parse",
        variable: "_vb_m_urllib.parse",
        words: &["_vb_m_urllib"],
        source: include_str!("../prelude/urllib.py"),
    },
    Piece {
        module: "random",
        variable: "_vb_m_random",
        words: &["_vb_m_random", "_vb_m_secrets"],
        source: include_str!("../prelude/random.py"),
    },
    Piece {
        module: "string",
        variable: "_vb_m_string",
        words: &["_vb_m_string"],
        source: include_str!("../prelude/string.py"),
    },
    Piece {
        module: "requests",
        variable: "requests",
        words: &["requests"],
        source: include_str!("../prelude/requests.py"),
    },
    Piece {
        module: "authentik.core.models",
        variable: "_vb_m_models",
        words: &["_vb_m_models"],
        source: include_str!("../prelude/models.py"),
    },
];

/// Names for modules that are a part of a piece.
const ALIASES: [(&str, &str, &str); 7] = [
    ("secrets", "_vb_m_secrets", "random"),
    ("urllib", "_vb_m_urllib", "urllib.parse"),
    ("authentik.core.expression.exceptions", "_vb_m_models", "authentik.core.models"),
    ("authentik.flows.planner", "_vb_m_models", "authentik.core.models"),
    ("authentik.events.models", "_vb_m_models", "authentik.core.models"),
    ("authentik.stages.prompt.stage", "_vb_m_models", "authentik.core.models"),
    ("authentik.stages.user_write.stage", "_vb_m_models", "authentik.core.models"),
];

/// The expression that a module is.
pub(super) fn module_name(module: &str) -> Option<&'static str> {
    let alias = ALIASES.iter().find(|(name, _, _)| *name == module).map(|(_, variable, _)| *variable);
    alias.or_else(|| {
        let piece = PIECES.iter().find(|piece| !module.is_empty() && piece.module == module)?;
        Some(piece.variable)
    })
}

/// Whether the Python of a module knows a name.
pub(super) fn defines(module: &str, name: &str) -> bool {
    let module = ALIASES.iter().find(|(alias, _, _)| *alias == module).map_or(module, |(_, _, piece)| piece);
    PIECES.iter().any(|piece| piece.module == module && words(piece.source).contains(name))
}

fn words(text: &str) -> HashSet<&str> {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect()
}

/// The words of a text.
pub(super) struct Words<'t>(HashSet<&'t str>);

impl<'t> Words<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self(words(text))
    }

    pub(super) fn all(&self) -> HashSet<Box<str>> {
        self.0.iter().map(|word| Box::from(*word)).collect()
    }

    pub(super) fn has(&self, word: &str) -> bool {
        self.0.contains(word)
    }

    /// Whatever has to stand before it.
    pub(super) fn prelude(&self) -> String {
        let mut wanted = self.0.clone();
        let mut taken: Vec<&str> = Vec::new();
        for piece in PIECES.iter().rev() {
            if piece.words.iter().any(|word| wanted.contains(word)) {
                wanted.extend(words(piece.source));
                taken.push(piece.source);
            }
        }
        // What comes out is weighed before it is copied: a small list may hold itself a thousand times.
        taken.push(include_str!("../prelude/weigh.py"));
        taken.into_iter().rev().collect()
    }
}
