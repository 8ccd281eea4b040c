//! `hub crypto`: envelopes of `POST /crypto` for scripts, and what the Python hub kept encrypted.

use std::{
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use hub_actors::envelope::{Envelope, is_name};

use crate::{
    cli::{Files, complain, fail, say},
    crypto::{self, Blob, ClientKey, Master, Purpose},
    environment::Environment,
    exit,
    vault::{MASTER, Vault},
};

/// Where a caller has its own key, if it has not the master key.
const CLIENT: &str = "HUB_CRYPTO_KEY";
/// Whose key it is where nobody is asked who they are.
const ANYONE: &str = "anyone";

/// What to do.
#[derive(Args)]
pub struct CryptoArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Print a caller's own key, for its HUB_CRYPTO_KEY: keep it like a password
    Key(Kid),
    /// Seal standard input for POST /crypto
    Seal {
        #[command(flatten)]
        kid: Kid,
        /// Seal it as the Python hub kept things: with the master key, for nobody in particular
        #[arg(long)]
        blob: bool,
    },
    /// Open the envelope on standard input, or what the Python hub kept encrypted
    Open {
        /// The envelope is the answer to the one in this file
        #[arg(long, value_name = "FILE")]
        request: Option<PathBuf>,
    },
}

#[derive(Args)]
struct Kid {
    /// Whose key
    #[arg(long, value_name = "ID", default_value = ANYONE)]
    kid: String,
}

/// A failure: exit code and sentence.
type Failed = (u8, String);

/// Does it, and returns the exit code.
pub fn run(files: &Files, arguments: &CryptoArgs) -> u8 {
    let environment = match Environment::read(files.env_file.as_deref()) {
        Ok((environment, _)) => environment,
        Err(error) => return fail(exit::CONFIG, &error),
    };
    let keys = Keys::read(environment);
    let done = match &arguments.what {
        What::Key(Kid { kid }) => key(&keys, kid),
        What::Seal { blob: true, .. } => keys.master().and_then(|master| seal_blob(&master)),
        What::Seal { kid, .. } => seal(&keys, &kid.kid),
        What::Open { request } => open(&keys, request.as_deref()),
    };
    match done {
        Ok(()) => exit::OK,
        Err((code, sentence)) => {
            complain(sentence);
            code
        }
    }
}

fn key(keys: &Keys, kid: &str) -> Result<(), Failed> {
    let kid = name(kid)?;
    let key = keys.master()?.client(kid).map_err(internal)?;
    say(&*key.hexadecimal());
    Ok(())
}

fn seal(keys: &Keys, kid: &str) -> Result<(), Failed> {
    let key = keys.of(name(kid)?)?;
    let id = crypto::new_id().map_err(internal)?;
    let about = (kid, crypto::now(), id.as_str());
    let envelope = crypto::seal(&key, purpose(None), about, input()?).map_err(internal)?;
    say(envelope.json());
    Ok(())
}

fn seal_blob(master: &Master) -> Result<(), Failed> {
    let blob = Blob::seal(master, input()?).map_err(internal)?;
    say(serde_json::to_string(&blob).unwrap_or_default());
    Ok(())
}

fn open(keys: &Keys, request: Option<&Path>) -> Result<(), Failed> {
    let input = input()?;
    let text = if let Some(blob) = Blob::parse(&input) {
        blob.open(&keys.master()?)
    } else {
        let envelope = Envelope::parse(&input).ok_or_else(|| {
            let sentence = "standard input is no envelope: {\"v\":1,\"kid\":..,\"ts\":..,\"id\":..,\
                            \"nonce\":..,\"tag\":..,\"data\":..}, nor {\"data\":..,\"nonce\":..,\"tag\":..}";
            (exit::FAILED, sentence.to_owned())
        })?;
        let answers = request.map(sent).transpose()?;
        let key = keys.of(&envelope.kid)?;
        crypto::open(&key, purpose(answers.as_deref()), envelope)
    };
    let text = text.map_err(|error| (exit::FAILED, format!("it cannot be opened: {error}")))?;
    // Byte for byte: it may be no text at all.
    io::stdout().write_all(&text).map_err(|error| {
        (
            exit::INTERNAL,
            format!("standard output is closed ({})", error.kind()),
        )
    })
}

/// The id of an envelope that was sent.
fn sent(file: &Path) -> Result<String, Failed> {
    let bytes = std::fs::read(file).map_err(|error| {
        (
            exit::FAILED,
            format!("{} cannot be read ({})", file.display(), error.kind()),
        )
    })?;
    let envelope = Envelope::parse(&bytes);
    let envelope =
        envelope.ok_or_else(|| (exit::FAILED, format!("{} is no envelope", file.display())));
    Ok(envelope?.id)
}

fn purpose(answers: Option<&str>) -> Purpose<'_> {
    Purpose {
        method: "POST",
        path: "/crypto",
        answers,
    }
}

fn name(kid: &str) -> Result<&str, Failed> {
    match is_name(kid) {
        true => Ok(kid),
        false => Err((
            exit::USAGE,
            "--kid is 1 to 64 letters, digits, `-` and `_`".to_owned(),
        )),
    }
}

fn input() -> Result<Vec<u8>, Failed> {
    let mut bytes = Vec::new();
    let read = io::stdin().read_to_end(&mut bytes);
    read.map_err(|error| {
        (
            exit::FAILED,
            format!("standard input cannot be read ({})", error.kind()),
        )
    })?;
    Ok(bytes)
}

fn internal(error: crypto::CryptoError) -> Failed {
    (exit::INTERNAL, error.to_string())
}

/// The keys of this command's environment.
struct Keys(Vault);

// === impl Keys ===

impl Keys {
    fn read(environment: Environment) -> Self {
        let names = [MASTER[0], MASTER[1], CLIENT].map(str::to_owned);
        let mut variables = environment.needed(&names);
        Self(Vault::take(&mut variables, &names))
    }

    fn master(&self) -> Result<Master, Failed> {
        let missing = || {
            let sentence = format!(
                "this needs the master key: set {} and {}",
                MASTER[0], MASTER[1]
            );
            (exit::CONFIG, sentence)
        };
        self.0
            .master()
            .map(|stretch| Master::new(&stretch))
            .ok_or_else(missing)
    }

    /// The key of a caller: its own, or made from the master key.
    fn of(&self, kid: &str) -> Result<ClientKey, Failed> {
        match self.0.client_key(CLIENT) {
            None => self.master()?.client(kid).map_err(internal),
            Some(Some(key)) => Ok(key),
            Some(None) => Err((
                exit::CONFIG,
                format!("{CLIENT} is not 64 hexadecimal digits, as `hub crypto key` prints them"),
            )),
        }
    }
}
