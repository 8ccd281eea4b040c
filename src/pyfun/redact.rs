//! Keeps keys that stand where they should not out of what is printed.
//!
//! People paste a key where its variable's name belongs. The message about it must not carry it to a
//! terminal, a log or a bug report, so every line of the file and every message passes through here.

use std::iter;

/// What is printed in place of something hidden.
const HIDDEN: &str = "***";

/// Longest line of the file that is printed.
const LONGEST_SOURCE: usize = 160;

/// Longest line of a message that is printed.
const LONGEST_MESSAGE: usize = 400;

/// How vendors' keys begin.
const PREFIXES: [&str; 17] = [
    "sk-",
    "sk_",
    "hf_",
    "gsk_",
    "xai-",
    "AIza",
    "tvly-",
    "BSA",
    "ghp_",
    "gho_",
    "github_pat_",
    "r8_",
    "nvapi-",
    "pplx-",
    "glpat-",
    "AKIA",
    "eyJ",
];

/// Shortest text behind a prefix that counts as a key.
const SHORTEST_KEY: usize = 12;

/// From this length on, a run of letters and digits mixed as no word is counts as a key.
const SHORTEST_RANDOM: usize = 24;

/// Keys of the language whose names sound like secrets and whose values are none.
const HARMLESS: [&str; 6] = [
    "env_key",
    "state_read_key",
    "context_tokens",
    "max_output_tokens",
    "max_tokens_field",
    "requests_per_min",
];

/// Whether `text` looks like a key itself rather than like the name of something.
pub fn looks_like_key(text: &str) -> bool {
    let prefixed = PREFIXES.iter().any(|prefix| {
        text.strip_prefix(prefix).is_some_and(|rest| {
            // `hf_token_of_the_team` is a name; a key has digits in it.
            let digits = rest.chars().any(|c| c.is_ascii_digit());
            rest.len() >= SHORTEST_KEY && (digits || *prefix == "sk-")
        })
    });
    prefixed || text.split(['-', '.', '/', ':', '+']).any(is_random)
}

/// Whether `text` is the name of an environment variable: letters, digits and `_`, no digit first.
pub fn is_variable_name(text: &str) -> bool {
    let word = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    word && !text.starts_with(|c: char| c.is_ascii_digit()) && !text.is_empty()
}

/// One line of the file, as it may be printed.
pub fn line(text: &str) -> String {
    let text = text.trim_end();
    let Some((key, value)) = text.split_once('=') else {
        return shorten(&words(text), LONGEST_SOURCE);
    };
    let bare = value.trim().trim_matches('"');
    let name = key.trim().to_ascii_lowercase();
    let name = name.rsplit('.').next().unwrap_or_default();
    if hides_value(name, bare) {
        return shorten(&words(&format!("{key}= \"{HIDDEN}\"")), LONGEST_SOURCE);
    }
    shorten(&words(text), LONGEST_SOURCE)
}

/// Any other text, as it may be printed: keys hidden, control characters made visible.
pub fn words(text: &str) -> String {
    let hidden = hide_keys(&hide_url_secrets(text));
    let visible: String = hidden
        .chars()
        .flat_map(|c| {
            // An escape sequence in a file must not steer the terminal that prints it.
            let escape = c.is_control() && c != '\n' && c != '\t';
            let escaped = escape.then(|| c.escape_default()).into_iter().flatten();
            escaped.chain(iter::once(c).filter(move |_| !escape))
        })
        .collect();
    let lines = visible.split('\n');
    let lines: Vec<String> = lines.map(|line| shorten(line, LONGEST_MESSAGE)).collect();
    lines.join("\n")
}

fn hides_value(key: &str, value: &str) -> bool {
    if value.is_empty() || value.starts_with('#') {
        return false;
    }
    match key {
        "env_key" => {
            let value = value.split('"').next().unwrap_or_default().trim();
            !is_variable_name(value) || looks_like_key(value)
        }
        "extra_headers" => true,
        key if HARMLESS.contains(&key) => false,
        key => ["key", "token", "secret", "password", "authorization", "dsn"]
            .iter()
            .any(|word| key.contains(word)),
    }
}

/// Hides what stands before `@` and behind `?` in every URL.
fn hide_url_secrets(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        shown.push_str(before);
        shown.push_str("://");
        let end = after
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '`' | '\'' | ','))
            .unwrap_or(after.len());
        let (url, tail) = after.split_at(end);
        let authority = url.find(['/', '?', '#']).unwrap_or(url.len());
        let (authority, path) = url.split_at(authority);
        match authority.rsplit_once('@') {
            Some((_, host)) => {
                shown.push_str(HIDDEN);
                shown.push('@');
                shown.push_str(host);
            }
            None => shown.push_str(authority),
        }
        match path.split_once('?') {
            Some((path, _)) => {
                shown.push_str(path);
                shown.push('?');
                shown.push_str(HIDDEN);
            }
            None => shown.push_str(path),
        }
        rest = tail;
    }
    shown.push_str(rest);
    shown
}

fn hide_keys(text: &str) -> String {
    let part_of_key =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':' | '+');
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let start = rest.find(part_of_key).unwrap_or(rest.len());
        let (between, word_on) = rest.split_at(start);
        shown.push_str(between);
        let end = word_on
            .find(|c: char| !part_of_key(c))
            .unwrap_or(word_on.len());
        let (word, tail) = word_on.split_at(end);
        shown.push_str(if looks_like_key(word) { HIDDEN } else { word });
        rest = tail;
    }
    shown
}

fn is_random(run: &str) -> bool {
    let digits = run.chars().filter(char::is_ascii_digit).count();
    let lower = run.chars().filter(char::is_ascii_lowercase).count();
    run.len() >= SHORTEST_RANDOM && digits >= 3 && lower >= 3
}

fn shorten(line: &str, longest: usize) -> String {
    match line.char_indices().nth(longest) {
        Some((end, _)) => format!("{}..", line.get(..end).unwrap_or_default()),
        None => line.to_owned(),
    }
}
