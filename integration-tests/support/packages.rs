//! What the tests need from npm and PyPI, brought into the target folder once.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// Under which everything is brought.
const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");

/// The official conformance suite of MCP (`latest` is older) and the SDKs for TypeScript.
const NPM: [&str; 4] = [
    "@modelcontextprotocol/conformance@0.2.0-alpha.12",
    "@modelcontextprotocol/sdk@1.32.2",
    "openai@7.57.0",
    "@anthropic-ai/sdk@1.12.0",
];
/// The oldest Node that the suite runs on.
const NODE: u32 = 22;
/// The SDKs for Python, the cipher of the README's example, the library that made the passwords of the Python
/// hub, and what knows OpenAPI.
const PYPI: [&str; 7] = [
    "mcp==2.3.0",
    "openai==3.54.0",
    "anthropic==2.12.0",
    "cryptography==50.0.2",
    "passlib==1.7.4",
    "langchain-openai==1.7.3",
    "openapi-spec-validator==0.9.0",
];

/// A Node that is new enough, and the folder whose `node_modules` it finds packages in.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    program: PathBuf,
    folder: PathBuf,
}

// === impl Node ===

impl Node {
    /// Brings it, the first time.
    ///
    /// # Panics
    /// If npm cannot.
    pub(crate) fn get() -> &'static Self {
        static NODE_AND_PACKAGES: OnceLock<Node> = OnceLock::new();
        NODE_AND_PACKAGES.get_or_init(|| {
            let folder = Path::new(FOLDER).join("npm");
            let modules = folder.join("node_modules");
            let old = installed_node().is_none_or(|version| version < NODE);
            let mut wanted: Vec<String> = NPM.iter().map(|name| (*name).to_owned()).collect();
            let own = format!("node-{}-{}", system(), machine());
            if old {
                wanted.push(format!("{own}@{NODE}"));
            }
            bring(&folder, &wanted.join(" "), || {
                let mut npm = Command::new("npm");
                npm.args(["install", "--no-audit", "--no-fund", "--prefix"])
                    .arg(&folder)
                    .args(&wanted);
                run(npm, "npm brings the conformance suite and the SDKs; install Node.js and npm, and go online once");
            });
            let program = match old {
                true => modules.join(own).join("bin/node"),
                false => PathBuf::from("node"),
            };
            Node { program, folder }
        })
    }

    /// A command line of this Node.
    pub(crate) fn command(&self) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(&self.program);
        command
            .env("NODE_PATH", self.folder.join("node_modules"))
            .kill_on_drop(true);
        command
    }

    /// The suite's entry.
    pub(crate) fn conformance(&self) -> PathBuf {
        self.folder
            .join("node_modules/@modelcontextprotocol/conformance/dist/index.js")
    }
}

/// A Python with the SDKs.
///
/// # Panics
/// If python3 or pip cannot bring it.
pub(crate) fn python() -> tokio::process::Command {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    let program = PYTHON.get_or_init(|| {
        let folder = Path::new(FOLDER).join("python");
        let program = folder.join("bin/python");
        bring(&folder, &PYPI.join(" "), || {
            let why = "pip brings the SDKs and more; install python3 (3.10 or later) with venv, and go online once";
            let mut venv = Command::new("python3");
            venv.args(["-m", "venv", "--clear"]).arg(&folder);
            run(venv, why);
            let mut pip = Command::new(&program);
            pip.args(["-m", "pip", "install", "--quiet"]).args(PYPI);
            run(pip, why);
        });
        program
    });
    let mut command = tokio::process::Command::new(program);
    command.kill_on_drop(true);
    command
}

/// Runs `work` unless a file says that `what` is there already.
fn bring(folder: &Path, what: &str, work: impl FnOnce()) {
    let stamp = folder.join("brought");
    if std::fs::read_to_string(&stamp).is_ok_and(|brought| brought == what) {
        return;
    }
    std::fs::create_dir_all(folder).unwrap();
    work();
    std::fs::write(stamp, what).unwrap();
}

fn run(mut command: Command, why: &str) {
    let output = command.output();
    let done = output.as_ref().is_ok_and(|output| output.status.success());
    assert!(done, "{why}: {command:?} {output:?}");
}

fn installed_node() -> Option<u32> {
    let output = Command::new("node").arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.trim()
        .strip_prefix('v')?
        .split('.')
        .next()?
        .parse()
        .ok()
}

fn system() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    }
}

fn machine() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    }
}
