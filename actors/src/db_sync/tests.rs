//! The room as a whole: what queries can and cannot do, and what becomes of what is accepted.

use std::{
    hash::{DefaultHasher, Hasher},
    io::{Read, Seek},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::{
    open::{Opened, Place, StateFile, open},
    query::Reader,
};
use crate::protocol::{QueryError, Rows};

/// A file of the test's.
struct File(PathBuf);

impl StateFile for File {
    fn prepare(&self) -> std::io::Result<PathBuf> {
        Ok(self.0.clone())
    }

    fn set_aside(&self) -> std::io::Result<PathBuf> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

/// An open file with something in every table, and one that is nobody's business.
fn filled() -> (NamedTempFile, Opened) {
    let file = NamedTempFile::new().unwrap();
    let place = Place::File(Arc::new(File(file.path().to_owned())));
    let opened = open(&place, 100).unwrap();
    opened
        .writer
        .execute_batch(
            r#"
            CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, password TEXT);
            INSERT INTO users (name, password) VALUES ('root', 'swordfish');
            CREATE VIEW shown AS SELECT password FROM users;
            INSERT INTO hub_state VALUES ('greeting', '{"word": "hello"}', '2026-01-01');
            INSERT INTO hub_state VALUES ('number', '42', '2026-01-02');
            INSERT INTO tool_cache (tool_name, prompt, response, provider, model, created_at)
                VALUES ('llm_complete', 'why', 'because', 'gemini', 'g-1', '2026-01-01'),
                       ('llm_complete', 'when', 'now', 'gemini', 'g-1', '2026-01-02'),
                       ('summarize', 'text', 'less', 'anthropic', 'c-1', '2026-01-03');
            "#,
        )
        .unwrap();
    (file, opened)
}

fn reader() -> (NamedTempFile, Connection, Reader) {
    let (file, Opened { writer, reader }) = filled();
    (file, writer, reader)
}

#[test]
fn honest_queries_are_answered() {
    let (_file, _writer, mut reader) = reader();
    let cases = [
        (
            "SELECT * FROM hub_state ORDER BY key",
            json!([
                {"key": "greeting", "value": "{\"word\": \"hello\"}", "updated_at": "2026-01-01"},
                {"key": "number", "value": "42", "updated_at": "2026-01-02"},
            ]),
        ),
        (
            "SELECT tool_name, count(*) AS calls FROM tool_cache GROUP BY tool_name",
            json!([
                {"tool_name": "llm_complete", "calls": 2},
                {"tool_name": "summarize", "calls": 1},
            ]),
        ),
        (
            "WITH g AS (SELECT * FROM tool_cache WHERE provider = 'gemini') \
             SELECT count(*) AS n FROM g",
            json!([{"n": 2}]),
        ),
        (
            "-- the greeting\nSELECT json_extract(value, '$.word') AS word FROM \"HUB_STATE\" \
             WHERE key LIKE 'greet%';",
            json!([{"word": "hello"}]),
        ),
        (
            "SELECT value ->> 'word' AS w, length(key) AS l FROM hub_state LIMIT 1",
            json!([{"w": "hello", "l": 8}]),
        ),
        ("SELECT count(*) FROM hub_state", json!([{"count(*)": 2}])),
        (
            "SELECT 1 AS a, 2 AS a, null AS b, 1.5 AS c, x'00ff' AS d",
            json!([{"a": 1, "a_2": 2, "b": null, "c": 1.5, "d": "00ff"}]),
        ),
        (
            "SELECT prompt, row_number() OVER (ORDER BY id DESC) AS n FROM tool_cache LIMIT 1",
            json!([{"prompt": "text", "n": 1}]),
        ),
        (
            "SELECT max(created_at) AS last FROM tool_cache WHERE created_at < datetime('now')",
            json!([{"last": "2026-01-03"}]),
        ),
        ("SELECT * FROM hub_state WHERE key = 'none'", json!([])),
    ];
    for (sql, expected) in cases {
        let found = reader.query(sql).map(|rows| Value::Array(rows.rows));
        assert_eq!(found, Ok(expected), "{sql}");
    }
}

/// What an attack must come to.
enum Fate {
    NotSelect,
    NoTable(&'static str),
    Invalid(&'static str),
    /// Whatever it is, it is soon.
    Bounded,
}

/// The list of the security design, one by one.
fn attacks() -> Vec<(String, Fate)> {
    use Fate::{Bounded, Invalid, NoTable, NotSelect};
    let endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)";
    let doubled = "WITH RECURSIVE d(s) AS (SELECT 'aaaaaaaa' UNION ALL SELECT s || s FROM d \
                   WHERE length(s) < 500000)";
    let long = "(SELECT s FROM d ORDER BY length(s) DESC LIMIT 1)";
    let text = |text: &str| text.to_owned();
    vec![
        (text("SELECT * FROM users"), NoTable("users")),
        (text("SELECT * FROM \"UsErS\""), NoTable("UsErS")),
        (
            text("SELECT (SELECT password FROM users)"),
            NoTable("users"),
        ),
        (
            text("SELECT key FROM hub_state UNION SELECT password FROM users"),
            NoTable("users"),
        ),
        (text("SELECT count(*) FROM users"), NoTable("users")),
        (
            text("SELECT count(*) FROM hub_state, users"),
            NoTable("users"),
        ),
        (
            text("WITH u AS (SELECT * FROM users) SELECT 1 FROM u"),
            NoTable("users"),
        ),
        (text("SELECT * FROM shown"), Bounded),
        (
            text("SELECT EXISTS (SELECT 1 FROM users WHERE password LIKE 's%')"),
            NoTable("users"),
        ),
        (
            text("SELECT * FROM sqlite_master"),
            NoTable("sqlite_master"),
        ),
        (
            text("SELECT count(*) FROM sqlite_schema"),
            NoTable("sqlite_schema"),
        ),
        (
            text("SELECT count(*) FROM sqlite_temp_master"),
            NoTable("sqlite_temp_master"),
        ),
        (
            text("SELECT * FROM sqlite_sequence"),
            NoTable("sqlite_sequence"),
        ),
        (text("SELECT 1; DROP TABLE hub_state"), NotSelect),
        (text("SELECT 1; SELECT 2"), Invalid("one statement")),
        (text("DROP TABLE hub_state"), NotSelect),
        (
            text("INSERT INTO hub_state VALUES ('a', 'b', 'c')"),
            NotSelect,
        ),
        (
            text("WITH a AS (SELECT 1) DELETE FROM hub_state"),
            NotSelect,
        ),
        (
            text("WITH a AS (SELECT 1) INSERT INTO hub_state SELECT 1, 2, 3"),
            NotSelect,
        ),
        (
            text("UPDATE hub_state SET value = '' RETURNING *"),
            NotSelect,
        ),
        (
            text("WITH a AS (SELECT 1) UPDATE hub_state SET value = '' RETURNING *"),
            NotSelect,
        ),
        (text("ATTACH '/etc/passwd' AS p"), NotSelect),
        (text("ATTACH 'file:/tmp/x.db?mode=rwc' AS p"), NotSelect),
        (
            text("SELECT * FROM 'file:/etc/passwd'"),
            NoTable("file:/etc/passwd"),
        ),
        (text("PRAGMA query_only = 0"), NotSelect),
        (
            text("SELECT * FROM pragma_table_info('users')"),
            NoTable("pragma_table_info"),
        ),
        (
            text("SELECT * FROM pragma_query_only"),
            NoTable("pragma_query_only"),
        ),
        (text("VACUUM INTO '/tmp/stolen.db'"), NotSelect),
        (
            text("SELECT load_extension('/tmp/evil.so')"),
            Invalid("load_extension"),
        ),
        (text("SELECT readfile('/etc/passwd')"), Invalid("readfile")),
        (
            text("SELECT writefile('/tmp/x', 'y')"),
            Invalid("writefile"),
        ),
        (
            text("SELECT fts3_tokenizer('simple')"),
            Invalid("fts3_tokenizer"),
        ),
        (text("SELECT randomblob(1000000000)"), Invalid("randomblob")),
        (text("SELECT zeroblob(2000000000)"), Invalid("zeroblob")),
        (
            text("SELECT printf('%.*c', 2000000000, 'x')"),
            Invalid("printf"),
        ),
        (text("SELECT format('%2000000000d', 1)"), Invalid("format")),
        (
            text("SELECT replace(replace('aa', 'a', 'aaaa'), 'a', 'aaaa')"),
            Invalid("replace"),
        ),
        (
            format!("{doubled} SELECT instr({long}, 'aab')"),
            Invalid("instr"),
        ),
        (
            format!("{doubled} SELECT trim({long}, 'ab')"),
            Invalid("trim"),
        ),
        (
            format!("{endless} SELECT count(*) FROM c"),
            Invalid("250 ms"),
        ),
        (
            format!("{endless} SELECT x FROM c ORDER BY x DESC"),
            Bounded,
        ),
        (format!("{endless} SELECT DISTINCT -x FROM c"), Bounded),
        (format!("{endless} SELECT group_concat(x) FROM c"), Bounded),
        (
            format!("{endless} SELECT x % 1000, count(*), max(x) FROM c GROUP BY 1"),
            Bounded,
        ),
        (
            format!("{endless} SELECT sum(x) OVER (ORDER BY x DESC) FROM c"),
            Bounded,
        ),
        (
            format!("{endless} SELECT x, hex(hex(hex(hex(x)))) AS h FROM c ORDER BY h"),
            Bounded,
        ),
        (format!("{doubled} SELECT s || s || s || s FROM d"), Bounded),
        (
            format!("{doubled} SELECT {long} LIKE '%a%a%a%a%a%a%a%a%a%a%a%a%a%b%'"),
            Bounded,
        ),
        (
            format!("{doubled} SELECT {long} GLOB '*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b*'"),
            Bounded,
        ),
        (
            format!("{doubled} SELECT a.s, b.s FROM d a, d b, d c, d e ORDER BY a.s || b.s"),
            Bounded,
        ),
        (
            format!(
                "{doubled}, {} SELECT * FROM c, d ORDER BY s || x",
                "c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"
            ),
            Bounded,
        ),
        (
            format!(
                "{doubled} SELECT {} FROM d",
                vec!["s || s || 'x'"; 64].join(", ")
            ),
            Bounded,
        ),
        (
            format!(
                "{doubled}, w AS (SELECT {} FROM d WHERE length(s) > 400000) SELECT count(*) FROM \
                 w a, w b, w c, w d, w e, w f",
                (0..60)
                    .map(|n| format!("s || '{n}' AS c{n}"))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            Bounded,
        ),
        (
            format!("{endless} SELECT json_extract(group_concat(x), '$[1]') FROM c"),
            Bounded,
        ),
        (
            text("SELECT * FROM json_each('[1,2,3]')"),
            NoTable("json_each"),
        ),
        (
            text("SELECT * FROM json_tree('[1,2,3]')"),
            NoTable("json_tree"),
        ),
        (text("SELECT * FROM dbstat"), NoTable("dbstat")),
        (
            text("SELECT * FROM generate_series(1, 1000000000)"),
            NoTable("generate_series"),
        ),
        (
            text(
                "SELECT count(*) FROM tool_cache a, tool_cache b, tool_cache c, tool_cache d, \
                  tool_cache e, tool_cache f, tool_cache g, tool_cache h, tool_cache i, \
                  tool_cache j, tool_cache k, tool_cache l, tool_cache m, tool_cache n, \
                  tool_cache o, tool_cache p",
            ),
            Invalid("250 ms"),
        ),
        (
            format!("SELECT {}1{}", "(".repeat(200), ")".repeat(200)),
            Bounded,
        ),
        (
            format!("SELECT {}1", "- ".repeat(200)),
            Bounded,
        ),
        (vec!["SELECT 1"; 500].join(" UNION "), Invalid("")),
        (vec!["SELECT 1"; 500].join(" UNION ALL "), Invalid("")),
        (format!("SELECT {}", vec!["1"; 65].join(", ")), Invalid("")),
        (
            format!("SELECT '{}'", "a".repeat(20_000)),
            Invalid("16 KiB"),
        ),
        (
            format!(
                "SELECT * FROM {}",
                vec!["hub_state"; 64].join(" NATURAL JOIN ")
            ),
            Bounded,
        ),
        (
            format!(
                "SELECT 1 WHERE {}",
                vec!["1 IN (SELECT 1)"; 800].join(" OR ")
            ),
            Bounded,
        ),
        (text("BEGIN"), NotSelect),
        (text("SAVEPOINT a"), NotSelect),
        (text("COMMIT"), NotSelect),
        (text("EXPLAIN SELECT * FROM hub_state"), NotSelect),
        (text("EXPLAIN QUERY PLAN SELECT 1"), NotSelect),
        (text("ANALYZE"), NotSelect),
        (text("REINDEX"), NotSelect),
        (text("CREATE TEMP TABLE a (b)"), NotSelect),
        (text("from hub_state"), NotSelect),
        (text("SELECT 1\0; DROP TABLE hub_state"), Invalid("NUL")),
        (
            text("SELECT * FROM hub_state WHERE"),
            Invalid("incomplete input"),
        ),
        (
            text("SELECT nope FROM hub_state"),
            Invalid("no such column: nope"),
        ),
        (text("SELECT 'a\nb"), Invalid("unrecognized token")),
        (
            text("SELECT -9223372036854775808 / -1, abs(-9223372036854775807 - 1)"),
            Bounded,
        ),
    ]
}

#[test]
fn every_attack_is_refused_or_bounded() {
    const LONGEST: Duration = Duration::from_millis(300);
    let (_file, _writer, mut reader) = reader();
    let mut unmet = Vec::new();
    for (sql, fate) in attacks() {
        let start = Instant::now();
        let found = reader.query(&sql);
        let took = start.elapsed();
        let met = match (fate, &found) {
            (Fate::NotSelect, Err(QueryError::NotSelect)) | (Fate::Bounded, _) => true,
            (Fate::NoTable(name), Err(QueryError::NoSuchTable(found))) => {
                name.eq_ignore_ascii_case(found)
            }
            (Fate::Invalid(words), Err(QueryError::Invalid(sentence))) => {
                sentence.contains(words) && !sentence.contains(['\n', '\0'])
            }
            _ => false,
        };
        let found = format!("{found:?}");
        if !met || took > LONGEST || found.contains("swordfish") {
            unmet.push(format!("{sql:.160} -> {found:.300} after {took:?}"));
        }
    }
    assert!(unmet.is_empty(), "{unmet:#?}");
    // And it still works.
    let rows = reader.query("SELECT count(*) AS n FROM hub_state").unwrap();
    assert_eq!(rows.rows, [json!({"n": 2})]);
}

#[test]
fn a_table_that_came_later_is_nobodys_business_either() {
    let (_file, writer, mut reader) = reader();
    let sql = "SELECT count(*) FROM sessions";
    assert_eq!(
        reader.query(sql),
        Err(QueryError::NoSuchTable("sessions".to_owned()))
    );
    writer.execute_batch("CREATE TABLE sessions (a)").unwrap();
    assert_eq!(
        reader.query(sql),
        Err(QueryError::NoSuchTable("sessions".to_owned()))
    );
}

#[test]
fn a_large_result_is_cut_and_says_so() {
    let (_file, writer, mut reader) = reader();
    let many = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 5000) \
                SELECT x FROM c";
    let Rows { rows, truncated } = reader.query(many).unwrap();
    assert_eq!((rows.len(), truncated), (1_000, true));
    let fits = many.replace("5000", "1000");
    let Rows { rows, truncated } = reader.query(&fits).unwrap();
    assert_eq!((rows.len(), truncated), (1_000, false));

    let mut insert = writer
        .prepare("INSERT INTO tool_cache (tool_name, prompt, response) VALUES ('t', 'p', ?1)")
        .unwrap();
    for _ in 0..40 {
        insert.execute(["a".repeat(64 * 1024)]).unwrap();
    }
    let Rows { rows, truncated } = reader.query("SELECT response FROM tool_cache").unwrap();
    assert!(
        truncated && (10..20).contains(&rows.len()),
        "{}",
        rows.len()
    );
}

fn hash(file: &NamedTempFile) -> u64 {
    let mut bytes = Vec::new();
    let mut file = file.as_file();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    let mut hasher = DefaultHasher::new();
    hasher.write(&bytes);
    hasher.finish()
}

/// A statement out of words that make up the dangerous and the harmless ones.
fn statement(random: &mut fastrand::Rng) -> String {
    const WORDS: [&str; 96] = [
        "SELECT",
        "WITH",
        "INSERT INTO",
        "UPDATE",
        "DELETE FROM",
        "DROP TABLE",
        "CREATE TABLE",
        "ALTER TABLE",
        "REPLACE INTO",
        "ATTACH",
        "DETACH",
        "PRAGMA",
        "VACUUM",
        "VACUUM INTO",
        "REINDEX",
        "ANALYZE",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT",
        "RELEASE",
        "EXPLAIN",
        "FROM",
        "WHERE",
        "SET",
        "VALUES",
        "RETURNING",
        "AS",
        "AS (",
        "(",
        ")",
        ",",
        ";",
        "*",
        "=",
        "||",
        "-",
        "+",
        "<",
        "IN",
        "LIKE",
        "GLOB",
        "NOT",
        "NULL",
        "IS",
        "EXISTS",
        "UNION",
        "UNION ALL",
        "EXCEPT",
        "INTERSECT",
        "ORDER BY",
        "GROUP BY",
        "HAVING",
        "LIMIT",
        "OFFSET",
        "JOIN",
        "LEFT JOIN",
        "NATURAL JOIN",
        "ON",
        "USING",
        "RECURSIVE",
        "OVER",
        "PARTITION BY",
        "CASE",
        "WHEN",
        "THEN",
        "ELSE",
        "END",
        "CAST",
        "COLLATE NOCASE",
        "hub_state",
        "tool_cache",
        "users",
        "shown",
        "sqlite_master",
        "key",
        "value",
        "id",
        "prompt",
        "'a'",
        "'/tmp/x'",
        "x''",
        "0",
        "1",
        "9223372036854775807",
        "1e308",
        "?1",
        ":a",
        "count(*)",
        "max(id)",
        "abs(",
        "json_extract(value, '$.a')",
        "writable_schema = 1",
        "journal_mode = DELETE",
        "-- \n",
        "/*",
    ];
    const STARTS: [&str; 6] = [
        "SELECT * FROM hub_state WHERE",
        "SELECT",
        "WITH a AS (SELECT * FROM tool_cache)",
        "WITH RECURSIVE a(x) AS (SELECT 1)",
        "SELECT 1;",
        "",
    ];
    let mut text = STARTS[random.usize(..STARTS.len())].to_owned();
    for _ in 0..random.usize(1..14) {
        text.push(' ');
        text.push_str(WORDS[random.usize(..WORDS.len())]);
    }
    text
}

#[test]
fn a_hundred_thousand_statements_leave_the_file_as_it_is() {
    const STATEMENTS: usize = 100_000;
    let (file, writer, mut reader) = reader();
    // Everything into the one file, so that its hash means something.
    writer
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    let before = hash(&file);
    let state = "SELECT * FROM hub_state";
    let expected = reader.query(state).unwrap();
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut answered = 0;
    for _ in 0..STATEMENTS {
        let sql = statement(&mut random);
        let found = reader.query(&sql);
        answered += usize::from(found.is_ok());
        assert!(
            !format!("{found:?}").contains("swordfish"),
            "seed {seed}: {sql}"
        );
    }
    assert!(answered > 100, "seed {seed}: only {answered} were queries");
    assert_eq!(reader.query(state).unwrap(), expected, "seed {seed}");
    writer
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    assert_eq!(hash(&file), before, "seed {seed}");
}

#[test]
fn what_a_key_holds_is_json_or_a_text() {
    let (_file, writer, mut reader) = reader();
    let insert = "INSERT INTO hub_state VALUES ('old', 'no json', '')";
    writer.execute_batch(insert).unwrap();
    assert_eq!(reader.state("greeting"), Ok(Some(json!({"word": "hello"}))));
    assert_eq!(reader.state("old"), Ok(Some(json!("no json"))));
    assert_eq!(reader.state("none"), Ok(None));
}
