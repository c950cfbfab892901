//! Lists what has been bundled into `bundle/`: every file there is `NAME.gz`, and `app.html` is the application's page.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("bundle");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=bundle");
    let folder = folder.to_str().ok_or("the folder of the crate has no name in Unicode")?;
    let mut files = Vec::new();
    for part in ["", "app/"] {
        let Ok(entries) = fs::read_dir(format!("{folder}/{part}")) else { continue };
        for entry in entries {
            let name = entry?.file_name().into_string().map_err(|_| "a bundled file's name is no text")?;
            files.extend(name.strip_suffix(".gz").map(|name| format!("{part}{name}")));
        }
    }
    files.sort();
    let mut code = String::from("&[\n");
    for name in &files {
        let path = format!("{folder}/{name}.gz");
        let hash = fnv1a(&fs::read(&path)?);
        let kind = content_type(name);
        writeln!(
            code,
            "Bundled {{ path: {name:?}, content_type: {kind:?}, hash: \"{hash:016x}\", gzip: include_bytes!({path:?}) }},"
        )?;
    }
    code.push(']');
    let into = env::var_os("OUT_DIR").ok_or("cargo names no folder for what is generated")?;
    fs::write(Path::new(&into).join("bundle.rs"), code)?;
    let page = format!("{folder}/app.html");
    let page = if Path::new(&page).is_file() { format!("Some(include_str!({page:?}))") } else { "None".to_owned() };
    fs::write(Path::new(&into).join("app.rs"), page)?;
    Ok(())
}

fn content_type(name: &str) -> &'static str {
    match Path::new(name).extension().and_then(|ending| ending.to_str()) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
