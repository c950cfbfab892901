//! Says whether the API reference has been bundled into `bundle/`, and with which content.

use std::error::Error;
use std::fs;
use std::path::Path;

/// What is bundled, each compressed as `.gz`.
const FILES: [&str; 3] = ["reference.js", "reference.css", "reference.txt"];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("bundle");
    println!("cargo::rustc-check-cfg=cfg(bundled)");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=bundle");
    let packed = FILES.iter().map(|file| format!("{file}.gz"));
    if !packed.map(|name| folder.join(name)).all(|path| path.is_file()) {
        return Ok(());
    }
    println!("cargo::rustc-cfg=bundled");
    for file in FILES {
        let hash = fnv1a(&fs::read(folder.join(format!("{file}.gz")))?);
        let name = file.replace('.', "_").to_ascii_uppercase();
        println!("cargo::rustc-env=VESTIBULE_{name}_HASH={hash:016x}");
    }
    Ok(())
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
