//! The documents: every test that they name is there.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Where the project is.
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A row of a table: the files it names, and what looks like a test's name (three words or more).
fn named(row: &str) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let quoted = || row.split('`').skip(1).step_by(2);
    let is_test = |word: &&str| {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        word.split('_').count() >= 3 && word.bytes().all(plain)
    };
    let files = quoted().filter(|word| word.ends_with(".rs"));
    (files.collect(), quoted().filter(is_test).collect())
}

/// Every Rust file below `folder`, as the text that it is.
fn files(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((path.clone(), fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn every_test_that_a_document_names_is_there() {
    let mut code = Vec::new();
    for folder in ["src", "actors/src", "integration-tests"] {
        files(&Path::new(ROOT).join(folder), &mut code);
    }
    for document in ["ARCHITECTURE.md", "SECURITY.md"] {
        let text = fs::read_to_string(Path::new(ROOT).join(document)).unwrap();
        let mut count = 0;
        for row in text.lines().filter(|line| line.starts_with('|')) {
            let (files, tests) = named(row);
            for test in tests {
                let is_there = |(path, text): &(PathBuf, String)| {
                    files.iter().any(|file| path.ends_with(file))
                        && text.contains(&format!("fn {test}("))
                };
                assert!(
                    code.iter().any(is_there),
                    "{document} names `{test}`: {row}"
                );
                count += 1;
            }
        }
        assert!(count > 5, "{document} names {count} tests");
    }
}
