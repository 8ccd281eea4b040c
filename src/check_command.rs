//! `hub check`: the command.

use std::path::Path;

use clap::Args;

use crate::{
    check::{Report, entry},
    cli::{Files, complain, fail, say},
    cloud_db::VARIABLE,
    environment::Environment,
    exit,
    settings::Settings,
    start, summary,
};

/// How to check.
#[derive(Args)]
pub struct CheckArgs {
    /// Exit 1 if there are warnings
    #[arg(long)]
    strict: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Checks, prints, and returns the exit code.
pub fn run(files: &Files, arguments: &CheckArgs) -> u8 {
    let (environment, warnings) = match Environment::read(files.env_file.as_deref()) {
        Ok(read) => read,
        Err(error) => return fail(exit::CONFIG, &error),
    };
    warnings.iter().for_each(complain);
    let text = match start::read(&files.config) {
        Ok(text) => text,
        Err(error) => {
            complain(format!(
                "{} cannot be read ({})",
                files.config.display(),
                error.kind()
            ));
            return exit::CONFIG;
        }
    };
    let file = files.config.display().to_string();
    let loaded = Settings::load(&file, text.as_deref(), &environment.overrides());
    let settings = loaded.as_ref().ok().map(|(settings, _)| settings);
    let entry = settings.map(|settings| entry(files, &environment, settings));
    let folder = files.config.parent().unwrap_or(Path::new(""));
    let report = Report::new(
        loaded,
        &|name| environment.has(name),
        environment.dsn(VARIABLE, folder),
        arguments.strict,
    );
    let report = report.with_entry(entry);
    if arguments.json {
        say(format!("{:#}", report.json()));
    } else {
        let problems = report.problems();
        if !problems.is_empty() {
            summary::print(&problems);
        }
        say(report.text().trim_end());
    }
    report.exit_code()
}
