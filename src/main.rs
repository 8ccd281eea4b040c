//! `hub`: every LLM you have a key for, behind one door that keeps the keys.
//!
//! The root package is the Guardian: the only code that reads the environment, `.env` and hub.pyfun,
//! holds secrets, and starts actors. What actors do is in the package `hub-actors`.

#![deny(unsafe_code)]

mod audit;
mod audit_command;
mod call_command;
mod check;
mod check_command;
mod cli;
mod cloud_db;
mod confine;
mod control;
mod crypto;
mod crypto_command;
mod data_folder;
mod db_command;
mod demo;
mod doctor_command;
mod doors;
mod environment;
mod exit;
mod fetcher;
mod grounds;
mod guardian;
mod house;
mod identity;
mod key_command;
mod listener;
mod local;
mod logs;
mod mcp_config_command;
mod one_line;
mod pyfun;
mod role_command;
mod roles;
mod seal;
mod serve;
mod settings;
mod start;
mod state_file;
mod stop;
mod summary;
mod table;
mod upstreams;
mod user_command;
mod vault;

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(match seal::harden() {
        Ok(()) => cli::run(),
        Err(error) => cli::fail(exit::INTERNAL, &error),
    })
}
