//! The rings of `src/lib.rs` hold: what is pure names nothing that is not.

use std::{fs, path::Path};

/// The core and the api.
const PURE: [&str; 8] =
    ["src/api", "src/intake", "src/plan", "src/wire", "src/workflow", "src/pods", "src/limits.rs", "src/topology.rs"];
/// What no line of them may name.
const FORBIDDEN: [&str; 17] = [
    "async ",
    ".await",
    "tokio",
    "std::env",
    "std::fs",
    "std::net",
    "std::time",
    "Timestamp::now",
    "Zoned::now",
    "kube::Client",
    "kube::Api",
    "lapin",
    "reqwest",
    "tracing",
    "fastrand",
    "getrandom",
    "crate::broker",
];

fn sources(path: &Path) -> Vec<(String, String)> {
    if path.is_file() {
        return vec![(path.display().to_string(), fs::read_to_string(path).unwrap())];
    }
    fs::read_dir(path).unwrap().flat_map(|entry| sources(&entry.unwrap().path())).collect()
}

#[test]
fn the_core_has_no_clock_no_client_and_no_io() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (file, text) in PURE.iter().flat_map(|path| sources(&root.join(path))) {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            let named = FORBIDDEN.iter().find(|word| line.contains(**word));
            assert_eq!(named, None, "{file}:{} is in the core: {line}", number + 1);
        }
    }
}

#[test]
fn the_api_does_not_know_the_core() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (file, text) in sources(&root.join("src/api")) {
        for inner in [
            "crate::plan",
            "crate::pods",
            "crate::limits",
            "crate::topology",
            "crate::wire",
            "crate::workflow",
            "crate::controller",
        ] {
            assert!(!text.contains(inner), "{file} names {inner}");
        }
    }
}

#[test]
fn no_file_is_too_long_to_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (file, text) in sources(&root.join("src")) {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default().lines().count();
        assert!(code <= 500, "{file} has {code} lines: split it by concept");
    }
}
