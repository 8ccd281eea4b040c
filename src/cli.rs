//! The command line: what people can ask of `hub`, and how it teaches them to.

use std::{
    error::Error,
    io::{self, Write},
    path::PathBuf,
};

use clap::{Args, Parser, Subcommand};

use crate::{
    audit_command, call_command, check_command, crypto_command, db_command, demo, doctor_command,
    exit, key_command, mcp_config_command, role_command, start, user_command,
};

/// Every LLM you have a key for, behind one door that keeps the keys.
#[derive(Parser)]
#[command(
    version,
    name = "hub",
    after_help = "\
First steps:
  hub demo                          try it: no key, no network
  echo ANTHROPIC_API_KEY=sk-.. >> .env && chmod 600 .env
  hub check                         what would run, what would not, and why
  hub                               serve
  hub call llm_complete --prompt \"Why is the sky blue?\"
  hub key add --name me             a key for callers; from then on nobody enters without one
  hub db init                       make the tables for persist_result and roles, if DATABASE_URL is set
  hub mcp-config cursor             what Cursor needs (claude-desktop, vscode, windsurf too)

Variables: HOST and PORT say where to listen, LOG_LEVEL how much to log (error, warn, info, debug),
HUB_DATA_DIR where the hub's own files are,
HUB_AUTH who needs a key (auto, required, open), HUB_API_KEY is one of your own,
HUB__SECTION__KEY replaces one value of hub.pyfun (HUB__HUB_LIMITS__RETRY_COUNT=2,
HUB__LLM_PROVIDER__ANTHROPIC__DEFAULT_MODEL=..).

Exit codes: 0 well, 1 a check or a call failed, 64 usage, 69 address in use or no hub there,
70 internal, 78 configuration."
)]
struct Cli {
    #[command(flatten)]
    files: Files,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Where the configuration is.
#[derive(Args, Clone)]
pub struct Files {
    /// The configuration file
    #[arg(long, global = true, value_name = "FILE", default_value = "hub.pyfun")]
    pub config: PathBuf,
    /// The file with the keys, NAME=value on each line [default: .env, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
}

/// Whose rights a client at standard input has.
#[derive(Args)]
struct StdioArgs {
    /// With the rights of this key, by its name or id [default: with all rights]
    #[arg(long = "as", value_name = "KEY")]
    key: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve, until SIGTERM or SIGINT (this is the default)
    Serve,
    /// Say what would run with this configuration, what would not, and which variable is missing
    Check(check_command::CheckArgs),
    /// Try the hub with a bundled vendor: no key, no network
    Demo(demo::DemoArgs),
    /// Call a tool of a running hub and print the answer
    Call(call_command::CallArgs),
    /// Say what hardening is on, on this machine
    Doctor(doctor_command::DoctorArgs),
    /// Seal and open envelopes of POST /crypto, and open what the Python hub kept encrypted
    Crypto(crypto_command::CryptoArgs),
    /// Look after the database that DATABASE_URL names
    Db(db_command::DbArgs),
    /// Make, show and revoke API keys
    Key(key_command::KeyArgs),
    /// Make, show, lock and unlock people who log in with a password
    User(user_command::UserArgs),
    /// Take over the users of the Python hub, passwords included
    ImportUsers(user_command::ImportArgs),
    /// Make, show and remove roles, and say who has them
    Role(role_command::RoleArgs),
    /// Show who called what, and how it ended
    Audit(audit_command::AuditArgs),
    /// Serve one MCP client over standard input and output, until it closes them
    Stdio(StdioArgs),
    /// Print what an MCP client's configuration needs to find this hub
    McpConfig(mcp_config_command::McpConfigArgs),
}

/// Runs what the command line says; returns the exit code.
pub fn run() -> u8 {
    let Cli { files, command } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // --help and --version are no errors, and go to standard output.
            let code = if error.use_stderr() {
                exit::USAGE
            } else {
                exit::OK
            };
            // Nothing to say to a caller who closed both streams.
            drop(error.print());
            return code;
        }
    };
    match command {
        None | Some(Command::Serve) => start::start(&files, &start::Door::Http),
        Some(Command::Stdio(arguments)) => {
            start::start(&files, &start::Door::Stdio(arguments.key.as_deref()))
        }
        Some(Command::Key(arguments)) => key_command::run(&files, &arguments),
        Some(Command::User(arguments)) => user_command::run(&files, &arguments),
        Some(Command::ImportUsers(arguments)) => user_command::import(&files, &arguments),
        Some(Command::Role(arguments)) => role_command::run(&files, &arguments),
        Some(Command::Audit(arguments)) => audit_command::run(&files, &arguments),
        Some(Command::Check(arguments)) => check_command::run(&files, &arguments),
        Some(Command::Demo(arguments)) => demo::run(&arguments),
        Some(Command::Call(arguments)) => call_command::run(&files, &arguments),
        Some(Command::Doctor(arguments)) => doctor_command::run(&files, &arguments),
        Some(Command::Crypto(arguments)) => crypto_command::run(&files, &arguments),
        Some(Command::Db(arguments)) => db_command::run(&files, &arguments),
        Some(Command::McpConfig(arguments)) => mcp_config_command::run(&files, &arguments),
    }
}

/// Ends with a sentence on standard error.
pub fn fail(code: u8, error: &dyn Error) -> u8 {
    complain(error.to_string());
    let mut source = error.source();
    while let Some(cause) = source {
        complain(format!("  because: {cause}"));
        source = cause.source();
    }
    code
}

/// A sentence for the person at the terminal.
pub fn complain(sentence: impl AsRef<str>) {
    // Nobody is left to tell if standard error is closed.
    drop(writeln!(io::stderr(), "hub: {}", sentence.as_ref()));
}

/// What a command was asked for.
pub fn say(text: impl AsRef<str>) {
    // A reader that went away (`hub check | head`) is no failure.
    drop(writeln!(io::stdout(), "{}", text.as_ref()));
}
