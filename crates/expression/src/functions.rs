//! Functions that need no server. Those that begin with `_vb_` are what the prelude stands on.

mod format;

use std::net::IpAddr;
use std::sync::LazyLock;

use async_trait::async_trait;
use fancy_regex::Regex;
use ipnet::IpNet;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::Digest;
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

use crate::cache::Cache;
use crate::object::{Arguments, Failure, Host, HttpRequest, Object};
use crate::value::Value;

/// Every function of this file. Sorted.
const KNOWN: [&str; 19] = [
    "_vb_address",
    "_vb_client_ip",
    "_vb_client_within",
    "_vb_fetch",
    "_vb_format",
    "_vb_hash",
    "_vb_import",
    "_vb_network",
    "_vb_quote",
    "_vb_random",
    "_vb_random_bytes",
    "_vb_save",
    "_vb_unquote",
    "_vb_uuid4",
    "_vb_uuid5",
    "ak_message",
    "list_flatten",
    "regex_match",
    "regex_replace",
];
/// What `quote` leaves alone whatever is said.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-').remove(b'~');

static PATTERNS: LazyLock<Cache<Regex>> = Cache::new();

pub(crate) fn is_known(name: &str) -> bool {
    KNOWN.contains(&name) || name == "slugify"
}

/// Calls a function.
pub(crate) async fn call(name: &str, arguments: &Arguments, host: &dyn Host) -> Result<Value, Failure> {
    match name {
        "regex_match" => {
            let (value, pattern) = (shown_at(arguments, 0, "value")?, arguments.text(1, "regex")?);
            compiled(pattern)?.is_match(&value).map(Value::Bool).map_err(|error| Failure::runtime(error.to_string()))
        }
        "regex_replace" => replace(arguments),
        "list_flatten" => Ok(match arguments.get(0, "value") {
            Some(Value::List(values)) => values.first().cloned().unwrap_or_default(),
            other => other.cloned().unwrap_or_default(),
        }),
        "slugify" => Ok(slugify(&shown_at(arguments, 0, "value")?).into()),
        "_vb_address" => arguments.text(0, "address").and_then(address),
        "_vb_network" => network(arguments),
        "_vb_hash" => hash(arguments),
        "_vb_format" => format::format(arguments),
        "_vb_quote" => quote(arguments),
        "_vb_unquote" => {
            let plus = arguments.get(1, "plus").is_some_and(Value::truthy);
            let text = arguments.text(0, "string")?;
            let text = if plus { text.replace('+', " ") } else { text.to_owned() };
            Ok(percent_decode_str(&text).decode_utf8_lossy().into_owned().into())
        }
        "_vb_random" => random(arguments, host),
        "_vb_random_bytes" => Ok(Value::Bytes(random_bytes(size(arguments.get(0, "nbytes"))?, host))),
        "_vb_uuid4" => {
            let mut bytes = [0; 16];
            host.random(&mut bytes);
            Ok(uuid::Builder::from_random_bytes(bytes).into_uuid().simple().to_string().into())
        }
        "_vb_uuid5" => {
            let space = Uuid::parse_str(arguments.text(0, "namespace")?).map_err(|_| Failure::value("not a UUID"))?;
            Ok(Uuid::new_v5(&space, arguments.text(1, "name")?.as_bytes()).simple().to_string().into())
        }
        "_vb_import" => {
            let (module, name) = (arguments.text(0, "module")?, arguments.text(1, "name")?);
            let missing =
                || Failure { kind: "ImportError", message: format!("cannot import name '{name}' from '{module}'") };
            host.import(module, name).await?.ok_or_else(missing)
        }
        "_vb_fetch" => fetch(arguments, host).await,
        other => Err(Failure { kind: "NameError", message: format!("name '{other}' is not defined") }),
    }
}

/// What `str()` makes of a value.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Str(text) => text.clone(),
        Value::None => "None".into(),
        Value::Bool(value) => if *value { "True" } else { "False" }.into(),
        other => other.to_json().to_string(),
    }
}

fn shown_at(arguments: &Arguments, position: usize, name: &str) -> Result<String, Failure> {
    match arguments.get(position, name) {
        Some(Value::Str(text)) => Ok(text.clone()),
        Some(Value::Object(object)) => Ok(shown(&Value::from(object.to_json()))),
        _ => Err(Failure::kind("expected string or bytes-like object")),
    }
}

/// A pattern, compiled once.
fn compiled(pattern: &str) -> Result<Regex, Failure> {
    if let Some(known) = PATTERNS.get(pattern) {
        return Ok(known);
    }
    let regex = Regex::new(pattern).map_err(|error| Failure { kind: "re.PatternError", message: error.to_string() })?;
    PATTERNS.put(pattern, regex.clone());
    Ok(regex)
}

fn replace(arguments: &Arguments) -> Result<Value, Failure> {
    let (value, pattern) = (shown_at(arguments, 0, "value")?, arguments.text(1, "regex")?);
    let template = arguments.text(2, "repl")?;
    let (regex, mut output, mut at) = (compiled(pattern)?, String::new(), 0);
    for captures in regex.captures_iter(&value) {
        let captures = captures.map_err(|error| Failure::runtime(error.to_string()))?;
        let Some(all) = captures.get(0) else { continue };
        output.push_str(value.get(at..all.start()).unwrap_or_default());
        expand(template, &captures, &mut output)?;
        at = all.end();
    }
    output.push_str(value.get(at..).unwrap_or_default());
    Ok(output.into())
}

/// Python's templates: `\1`, `\g<1>`, `\g<name>`, `\n`, `\t`.
fn expand(template: &str, captures: &fancy_regex::Captures<'_>, output: &mut String) -> Result<(), Failure> {
    let bad = || Failure { kind: "re.PatternError", message: "invalid group reference".into() };
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('\\') {
        output.push_str(before);
        if let Some((name, behind)) = after.strip_prefix("g<").and_then(|after| after.split_once('>')) {
            let group = name.parse().map_or_else(|_| captures.name(name), |number: usize| captures.get(number));
            output.push_str(group.map_or("", |group| group.as_str()));
            rest = behind;
            continue;
        }
        let digits = after.bytes().take(2).take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            let (number, behind) = after.split_at(digits);
            let number: usize = number.parse().map_err(|_| bad())?;
            if number >= captures.len() {
                return Err(bad());
            }
            output.push_str(captures.get(number).map_or("", |group| group.as_str()));
            rest = behind;
            continue;
        }
        let mut letters = after.chars();
        match letters.next() {
            Some('n') => output.push('\n'),
            Some('t') => output.push('\t'),
            Some(other) => output.push(other),
            None => {}
        }
        rest = letters.as_str();
    }
    output.push_str(rest);
    Ok(())
}

/// Lower case, words joined by `-`, nothing but ASCII letters, digits, `-` and `_`.
fn slugify(text: &str) -> String {
    let mut slug = String::new();
    for letter in text.nfkd().filter(char::is_ascii).map(|letter| letter.to_ascii_lowercase()) {
        match letter {
            letter if letter.is_ascii_alphanumeric() || letter == '_' => slug.push(letter),
            letter if (letter.is_whitespace() || letter == '-') && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
    }
    slug.trim_matches(['-', '_']).to_owned()
}

/// What the prelude's class knows about an address.
fn address(text: &str) -> Result<Value, Failure> {
    parse_address(text).map(parts_of)
}

fn parse_address(text: &str) -> Result<IpAddr, Failure> {
    text.parse().map_err(|_| Failure::value(format!("'{text}' does not appear to be an IPv4 or IPv6 address")))
}

fn parts_of(address: IpAddr) -> Value {
    let (version, private, link_local) = match address {
        IpAddr::V4(four) => {
            let reserved = four.is_unspecified() || four.is_broadcast() || four.is_documentation();
            (4, four.is_private() || four.is_loopback() || four.is_link_local() || reserved, four.is_link_local())
        }
        IpAddr::V6(six) => {
            let local = six.is_unicast_link_local();
            (6, six.is_unique_local() || six.is_loopback() || six.is_unspecified() || local, local)
        }
    };
    Value::List(vec![
        Value::Int(version),
        address.to_string().into(),
        hexadecimal(address).into(),
        private.into(),
        address.is_loopback().into(),
        link_local.into(),
        address.is_multicast().into(),
        (!private && !address.is_multicast()).into(),
    ])
}

/// A number of fixed width, so that texts compare as the addresses do.
fn hexadecimal(address: IpAddr) -> String {
    match address {
        IpAddr::V4(four) => format!("{:08x}", four.to_bits()),
        IpAddr::V6(six) => format!("{:032x}", six.to_bits()),
    }
}

fn network(arguments: &Arguments) -> Result<Value, Failure> {
    let strict = arguments.get(1, "strict").is_none_or(Value::truthy);
    let network = parse_network(arguments.text(0, "address")?, strict)?;
    let (first, last) = (network.network(), network.broadcast());
    Ok(Value::List(vec![
        Value::Int(if network.addr().is_ipv4() { 4 } else { 6 }),
        network.trunc().to_string().into(),
        hexadecimal(first).into(),
        hexadecimal(last).into(),
        Value::Int(network.prefix_len().into()),
        parts_of(first),
        parts_of(last),
    ]))
}

/// Whether the address of a client, if it has one, lies in the network that the arguments name.
pub(crate) fn client_within(client: &Value, arguments: &Arguments) -> Result<Value, Failure> {
    let network = parse_network(arguments.text(0, "address")?, true)?;
    let Value::Str(client) = client else { return Ok(false.into()) };
    Ok(network.contains(&parse_address(client)?).into())
}

fn parse_network(text: &str, strict: bool) -> Result<IpNet, Failure> {
    let bad = || Failure::value(format!("'{text}' does not appear to be an IPv4 or IPv6 network"));
    let network: IpNet = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => text.parse().map_err(|_| bad())?,
    };
    if strict && network.addr() != network.network() {
        return Err(Failure::value(format!("{text} has host bits set")));
    }
    Ok(network)
}

fn hash(arguments: &Arguments) -> Result<Value, Failure> {
    let Some(Value::Bytes(bytes)) = arguments.get(1, "data") else {
        return Err(Failure::kind("Strings must be encoded before hashing"));
    };
    Ok(Value::Bytes(match arguments.text(0, "name")? {
        "md5" => md5::Md5::digest(bytes).to_vec(),
        "sha1" => sha1::Sha1::digest(bytes).to_vec(),
        "sha224" => sha2::Sha224::digest(bytes).to_vec(),
        "sha256" => sha2::Sha256::digest(bytes).to_vec(),
        "sha384" => sha2::Sha384::digest(bytes).to_vec(),
        "sha512" => sha2::Sha512::digest(bytes).to_vec(),
        other => return Err(Failure::value(format!("unsupported hash type {other}"))),
    }))
}

fn quote(arguments: &Arguments) -> Result<Value, Failure> {
    let (text, safe) = (arguments.text(0, "string")?, arguments.text(1, "safe")?);
    let plus = arguments.get(2, "plus").is_some_and(Value::truthy);
    let mut output = String::new();
    for letter in text.chars() {
        match letter {
            ' ' if plus => output.push('+'),
            letter if safe.contains(letter) => output.push(letter),
            letter => output.extend(utf8_percent_encode(letter.encode_utf8(&mut [0; 4]), UNRESERVED)),
        }
    }
    Ok(output.into())
}

fn size(value: Option<&Value>) -> Result<usize, Failure> {
    match value {
        Some(Value::Int(number)) => Ok(usize::try_from(*number).unwrap_or(0).min(4096)),
        _ => Err(Failure::kind("an integer is required")),
    }
}

fn random_bytes(count: usize, host: &dyn Host) -> Vec<u8> {
    let mut bytes = vec![0; count];
    host.random(&mut bytes);
    bytes
}

/// A number below another. 128 random bits make what the remainder favours immeasurable.
fn random(arguments: &Arguments, host: &dyn Host) -> Result<Value, Failure> {
    let Some(Value::Int(below)) = arguments.get(0, "below") else {
        return Err(Failure::kind("an integer is required"));
    };
    let below = u128::try_from(*below).ok().filter(|below| *below > 0).ok_or_else(|| Failure::value("empty range"))?;
    let mut bytes = [0; 16];
    host.random(&mut bytes);
    Ok(Value::Int(i64::try_from(u128::from_be_bytes(bytes) % below).unwrap_or_default()))
}

/// `requests`: makes the request of what is given, and a tuple for the prelude's class of the answer.
async fn fetch(arguments: &Arguments, host: &dyn Host) -> Result<Value, Failure> {
    let pairs = |value: Option<&Value>| match value {
        Some(Value::Dict(pairs)) => pairs.iter().map(|(name, value)| (name.clone(), shown(value))).collect(),
        _ => Vec::new(),
    };
    let given = arguments.text(1, "url")?;
    let mut url = url::Url::parse(given).map_err(|_| Failure::value(format!("Invalid URL '{given}'")))?;
    let query: Vec<(String, String)> = pairs(arguments.named("params"));
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    let mut request = HttpRequest {
        method: arguments.text(0, "method")?.to_owned(),
        url: url.to_string(),
        headers: pairs(arguments.named("headers")),
        body: None,
    };
    let mut body = |media_type: &str, body: Vec<u8>| {
        if !request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) && !media_type.is_empty()
        {
            request.headers.push(("Content-Type".into(), media_type.into()));
        }
        request.body = Some(body);
    };
    match (arguments.named("json"), arguments.named("data")) {
        (Some(json), _) if !matches!(json, Value::None) => body("application/json", json.to_json().to_string().into()),
        (_, Some(data @ Value::Dict(_))) => {
            let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs(Some(data))).finish();
            body("application/x-www-form-urlencoded", form.into());
        }
        (_, Some(Value::Str(text))) => body("", text.clone().into()),
        (_, Some(Value::Bytes(bytes))) => body("", bytes.clone()),
        _ => {}
    }
    let address = request.url.clone();
    let response = host.fetch(request).await?;
    Ok(Value::List(vec![
        Value::Int(response.status.into()),
        Value::dict(response.headers.into_iter().map(|(name, value)| (name, value.into()))),
        Value::Bytes(response.body.clone()),
        String::from_utf8_lossy(&response.body).into_owned().into(),
        address.into(),
    ]))
}

/// `ak_logger`.
pub(crate) struct Logger;

impl Logger {
    pub(crate) const CLASS: &str = "BoundLogger";
}

#[async_trait]
impl Object for Logger {
    fn class(&self) -> &'static str {
        Self::CLASS
    }
}

/// A line of the log: the message, and what was given by name.
pub(crate) fn logged(arguments: &Arguments) -> String {
    let mut line = arguments.positional.iter().map(shown).collect::<Vec<_>>().join(" ");
    for (name, value) in &arguments.named {
        line.push_str(&format!(" {name}={}", shown(value)));
    }
    line
}
