//! The house's rules that a compiler does not hold by itself.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

/// Where the project is.
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// All that the actors may build upon. Another name here is a decision: nothing in this list reads
/// the environment, opens files or holds a secret, but rusqlite, which opens the one file that the
/// Guardian names: its callers behind the wall get that name from a capability.
const ACTORS_DEPEND_ON: [&str; 27] = [
    "actix",
    "actix-web",
    "arc-swap",
    "base64",
    "bytes",
    "data-encoding",
    "fastrand",
    "futures-util",
    "governor",
    "http",
    "http-body",
    "httpdate",
    "hyper",
    "moka",
    "percent-encoding",
    "reqwest",
    "ring",
    "rmcp",
    "rusqlite",
    "serde",
    "serde_json",
    "strsim",
    "thiserror",
    "tokio",
    "tracing",
    "utoipa",
    "uuid",
];

/// What must not reach the actors by any detour.
const NEVER_BELOW_ACTORS: [&str; 7] = [
    "hub",
    "tokio-postgres",
    "secrecy",
    "dotenvy",
    "config",
    "clap",
    "tracing-subscriber",
];

/// Calls that the actors may not make; each must be refused by name.
const FORBIDDEN_CALLS: [(&str, &str); 13] = [
    (
        "std::env::var",
        r#"pub fn f() { drop(std::env::var("KEY")); }"#,
    ),
    ("std::env::vars", "pub fn f() { drop(std::env::vars()); }"),
    (
        "std::env::var_os",
        r#"pub fn f() { let read = std::env::var_os::<&str>; drop(read("KEY")); }"#,
    ),
    (
        "std::fs::read",
        r#"use std::fs as files; pub fn f() { drop(files::read(".env")); }"#,
    ),
    (
        "std::fs::read_to_string",
        r#"pub fn f() { drop(std::fs::read_to_string(".env")); }"#,
    ),
    (
        "std::process::Command::new",
        r#"pub fn f() { drop(std::process::Command::new("env")); }"#,
    ),
    (
        "std::fs::File::create_new",
        r#"pub fn f() { drop(std::fs::File::create_new("x")); }"#,
    ),
    (
        "std::path::Path::read_dir",
        r#"pub fn f() { drop(std::path::Path::new("/").read_dir()); }"#,
    ),
    (
        "std::net::TcpStream::connect_timeout",
        "pub fn f(to: &std::net::SocketAddr) { drop(std::net::TcpStream::connect_timeout(to, std::time::Duration::MAX)); }",
    ),
    (
        "std::include_str",
        r#"pub fn f() -> &'static str { include_str!("lib.rs") }"#,
    ),
    ("std::env", r#"pub fn f() -> &'static str { env!("PATH") }"#),
    (
        "reqwest::Client::new",
        "pub fn f() { drop(reqwest::Client::new()); }",
    ),
    (
        "reqwest::Client::builder",
        "pub fn f() { reqwest::Client::builder(); }",
    ),
];

fn cargo(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("RUSTFLAGS")
        .env("CARGO_TERM_COLOR", "never")
        .output()
        .unwrap()
}

fn read(path: &str) -> String {
    let path = Path::new(ROOT).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The attributes at the head of the actors' crate.
fn actors_head() -> String {
    let text = read("actors/src/lib.rs");
    let head: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("#!["))
        .collect();
    head.join("\n")
}

#[test]
fn the_actors_depend_on_exactly_this() {
    let output = cargo(
        &[
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ],
        Path::new(ROOT),
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let actors = packages
        .iter()
        .find(|package| package["name"] == "hub-actors")
        .unwrap();
    let dependencies = actors["dependencies"].as_array().unwrap();
    let names: BTreeSet<_> = dependencies
        .iter()
        .filter(|dependency| dependency["kind"].is_null())
        .map(|dependency| dependency["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, BTreeSet::from(ACTORS_DEPEND_ON));
    assert!(
        dependencies
            .iter()
            .all(|dependency| dependency["kind"] != "build"),
        "a build script could read anything"
    );
}

#[test]
fn nothing_that_holds_a_secret_is_below_the_actors() {
    let arguments = [
        "tree",
        "--offline",
        "-p",
        "hub-actors",
        "-e",
        "normal",
        "--prefix",
        "none",
        "--all-features",
    ];
    let output = cargo(&arguments, Path::new(ROOT));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let tree = String::from_utf8_lossy(&output.stdout).into_owned();
    let names: BTreeSet<_> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(names.contains("actix"), "{tree}");
    for name in NEVER_BELOW_ACTORS {
        assert!(!names.contains(name), "{name} is below hub-actors");
    }
}

#[test]
fn the_actors_forbid_what_no_attribute_can_allow_again() {
    let head = actors_head();
    for lint in ["unsafe_code", "clippy::disallowed_methods"] {
        let forbidden = head
            .lines()
            .any(|line| line.contains("forbid") && line.contains(lint));
        assert!(forbidden, "{lint} is not forbidden:\n{head}");
    }
}

/// Clippy's verdict on a crate with the actors' head and bans and this code.
fn clippy_on(code: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let manifest = "[package]\nname = \"probe\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
                    [dependencies]\nreqwest = { path = \"reqwest\" }\n[workspace]\n";
    write("Cargo.toml", manifest);
    write("clippy.toml", &read("actors/clippy.toml"));
    write("src/lib.rs", &format!("{}\n{code}\n", actors_head()));
    // A stand-in: the ban is on the path, and the real one takes long to build.
    write(
        "reqwest/Cargo.toml",
        "[package]\nname = \"reqwest\"\nversion = \"0.0.0\"\nedition = \"2024\"\n",
    );
    write(
        "reqwest/src/lib.rs",
        "pub struct Client;\nimpl Client {\n    pub fn new() -> Self { Self }\n    pub fn builder() {}\n}\n",
    );
    cargo(&["clippy", "--quiet", "--offline"], folder.path())
}

#[test]
fn an_actor_that_reads_what_it_must_not_does_not_pass_clippy() {
    let harmless = clippy_on("pub fn f() -> usize { 1 + 1 }");
    let log = String::from_utf8_lossy(&harmless.stderr).into_owned();
    assert!(
        harmless.status.success(),
        "clippy is needed (rustup component add clippy): {log}"
    );

    // One crate with a module for each: each must be an error of its own.
    let modules = FORBIDDEN_CALLS.iter().enumerate();
    let code: Vec<_> = modules
        .map(|(n, (_, code))| format!("pub mod m{n} {{ {code} }}"))
        .collect();
    let verdict = clippy_on(&code.join("\n"));
    let log = String::from_utf8_lossy(&verdict.stderr).into_owned();
    assert!(!verdict.status.success(), "{log}");
    for (path, _) in FORBIDDEN_CALLS {
        let refused = ["method", "macro"]
            .map(|kind| format!("use of a disallowed {kind} `{path}`"))
            .iter()
            .any(|complaint| log.contains(complaint));
        assert!(refused, "{path} is not refused:\n{log}");
    }
}

#[test]
fn an_actor_cannot_allow_itself_what_is_forbidden() {
    let code = r#"#[allow(clippy::disallowed_methods)] pub fn f() { drop(std::env::var("KEY")); }"#;
    let verdict = clippy_on(code);
    let log = String::from_utf8_lossy(&verdict.stderr).into_owned();
    assert!(!verdict.status.success(), "{log}");
    assert!(log.contains("incompatible with previous forbid"), "{log}");
}

#[test]
fn a_release_unwinds() {
    let manifest = read("Cargo.toml");
    let (_, release) = manifest.split_once("[profile.release]").unwrap();
    let release = release.split("\n[").next().unwrap();
    assert!(
        release
            .lines()
            .any(|line| line.starts_with("panic = \"unwind\"")),
        "{release}"
    );
}

#[test]
fn the_test_only_provider_does_not_compile_into_a_release() {
    // Only the attributes and the module tree matter here, so the dependencies may be missing; what
    // counts is whether the compiler also says the sentence that is about this.
    let complains = |debug_assertions: &str| {
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
            .args([
                "--edition",
                "2024",
                "--crate-type",
                "lib",
                "--emit",
                "metadata",
            ])
            .args(["--cfg", "feature=\"fixtures\"", "-C", debug_assertions])
            .arg(Path::new(ROOT).join("actors/src/lib.rs"))
            .current_dir(folder.path())
            .output()
            .unwrap();
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        log.lines()
            .any(|line| line.starts_with("error") && line.contains("fixtures"))
    };
    assert!(complains("debug-assertions=off"));
    assert!(!complains("debug-assertions=on"));
}

/// Every source file below a folder of the project.
fn sources(folder: &str) -> Vec<PathBuf> {
    let mut folders = vec![Path::new(ROOT).join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

#[test]
fn one_place_behind_the_wall_opens_a_database() {
    let opens = |path: &PathBuf| {
        let is_test = path.iter().any(|part| part == "tests");
        let text = fs::read_to_string(path).unwrap();
        let ways = ["Connection::open(", "Connection::open_with"];
        !is_test && ways.iter().any(|way| text.contains(way))
    };
    let places: Vec<_> = sources("actors/src").into_iter().filter(opens).collect();
    let expected = Path::new(ROOT).join("actors/src/db_sync/open.rs");
    assert_eq!(places, [expected]);
}

/// Two go to the vendor that they are for, one of them without TLS, and one where a request says: that one
/// looks where that is.
#[test]
fn clients_are_made_in_three_places() {
    let makes = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        ["Client::builder(", "ClientBuilder"]
            .iter()
            .any(|way| text.contains(way))
    };
    let all = [sources("src"), sources("actors/src")].concat();
    let mut places: Vec<_> = all.into_iter().filter(makes).collect();
    places.sort();
    let expected = [
        "src/fetcher/reader.rs",
        "src/upstreams/client.rs",
        "src/upstreams/plain.rs",
    ];
    assert_eq!(places, expected.map(|path| Path::new(ROOT).join(path)));
}

#[test]
fn every_file_says_what_it_is_for() {
    for folder in ["src", "actors/src", "integration-tests"] {
        for path in sources(folder) {
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.starts_with("//! "), "{}", path.display());
        }
    }
}
