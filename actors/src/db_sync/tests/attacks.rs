//! Attacks: what hostile SQL tries, for the tests of this room and of the running binary.

/// What an attack must come to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fate {
    /// "Only SELECT queries are permitted".
    NotSelect,
    /// "no such table", of this name in any case.
    NoTable(&'static str),
    /// A sentence that has these words.
    Invalid(&'static str),
    /// Whatever it is, it is soon.
    Bounded,
}

/// Each with what it must come to.
pub(crate) fn attacks() -> Vec<(String, Fate)> {
    use Fate::{Bounded, Invalid, NoTable, NotSelect};
    let endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)";
    let doubled = "WITH RECURSIVE d(s) AS (SELECT 'aaaaaaaa' UNION ALL SELECT s || s FROM d \
                   WHERE length(s) < 100000)";
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
        // What was answered is for those who asked.
        (
            text("SELECT answer FROM kept_answers"),
            NoTable("kept_answers"),
        ),
        (
            text("SELECT count(*) FROM Kept_Answers"),
            NoTable("Kept_Answers"),
        ),
        (
            text("SELECT key FROM hub_state UNION SELECT hex(digest) FROM kept_answers"),
            NoTable("kept_answers"),
        ),
        (
            text("SELECT count(*) FROM kept_answers_by_expiry"),
            NoTable("kept_answers_by_expiry"),
        ),
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
                "{doubled}, w AS (SELECT {} FROM d WHERE length(s) > 50000) SELECT count(*) FROM \
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
        // Straight runs without a jump, in which SQLite does not ask whether it shall stop.
        (
            format!(
                "{doubled}, m AS MATERIALIZED (SELECT {long} AS b) SELECT {} FROM m",
                vec!["b LIKE '%a_a_a_a_a_a_a_a_a_a_a_a_b'"; 60].join(", ")
            ),
            Bounded,
        ),
        (
            format!(
                "{doubled}, m AS MATERIALIZED (SELECT '9' || hex(b) AS b FROM \
                 (SELECT s AS b FROM d WHERE length(s) = 65536)) SELECT {} FROM m",
                vec![vec!["b"; 60].join("+"); 60].join(", ")
            ),
            Bounded,
        ),
        (
            format!(
                "{endless}, m AS MATERIALIZED (SELECT '[' || group_concat(x) || ']' AS j FROM \
                 (SELECT x FROM c LIMIT 35000)) SELECT {} FROM m",
                (0..60)
                    .map(|n| format!(
                        "json_extract(j || '', '$[{n}]') + json_array_length(j || ' ')"
                    ))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
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
        (format!("SELECT {}1", "- ".repeat(200)), Bounded),
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
