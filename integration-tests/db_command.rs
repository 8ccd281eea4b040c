//! `hub db`, and what `hub check` says of the database.

use serde_json::Value;

use crate::support::{Canaries, Program, TestDatabase, program::Finished};

/// `hub db init` with this DSN and this table.
pub(crate) async fn init(url: &str, table: &str) -> Finished {
    let tool =
        format!("[TOOL.persist_result]\ntarget_table = \"{table}\"\n[TOOL.persist_result_END]\n");
    Program::new(["db", "init", "--config", "hub.pyfun", "--env-file", ".env"])
        .file("hub.pyfun", tool)
        .file(".env", format!("DATABASE_URL='{url}'"))
        .run()
        .await
}

#[tokio::test]
async fn init_makes_the_table_and_making_it_twice_changes_nothing() {
    let database = TestDatabase::new().await;
    for table in ["hub_results", "archive.Results_2"] {
        let first = init(&database.url(), table).await;
        assert!(
            first
                .assert_exit(0)
                .stdout
                .contains(&format!("{table}: created")),
            "{first:?}"
        );
        let again = init(&database.url(), table).await;
        assert!(
            again.assert_exit(0).stdout.contains("is there"),
            "{again:?}"
        );
    }
    let sql = "SELECT count(*) FROM archive.\"Results_2\"";
    assert_eq!(database.number(sql).await, 0);
}

#[tokio::test]
async fn init_says_what_is_wrong() {
    let unset = Program::new(["db", "init"]).run().await;
    assert!(
        unset
            .assert_exit(78)
            .stderr
            .contains("DATABASE_URL is not set"),
        "{unset:?}"
    );
    let placeholder = Program::new(["db", "init"])
        .env("DATABASE_URL", "your_database_url_here")
        .run()
        .await;
    assert!(
        placeholder.assert_exit(78).stderr.contains("is not set"),
        "{placeholder:?}"
    );

    let database = TestDatabase::new().await;
    let mut canaries = Canaries::default();
    let wrong = canaries
        .hatch("a wrong password")
        .replace(|c: char| !c.is_alphanumeric(), "");
    let refused = init(&database.url_of("hub", &wrong), "hub_results").await;
    assert!(
        refused.assert_exit(1).stderr.contains("does not accept"),
        "{refused:?}"
    );
    canaries.assert_absent("the output", refused.output().as_bytes());
    let raw = format!("postgresql://hub:{wrong}@x/y@localhost/hub");
    let malformed = init(&raw, "hub_results").await;
    assert!(
        malformed.assert_exit(78).stderr.contains("percent-encoded"),
        "{malformed:?}"
    );
    canaries.assert_absent("the output", malformed.output().as_bytes());
}

#[tokio::test]
async fn a_table_is_a_name_and_comes_from_the_configuration_alone() {
    for name in [
        "x; drop table hub_results",
        "x\\\"y",
        "a.b.c",
        "x--",
        "1",
        "tä",
    ] {
        let text = format!(
            "[TOOL.persist_result]\ntarget_table = \"{name}\"\n[TOOL.persist_result_END]\n"
        );
        let check = Program::new(["check", "--config", "hub.pyfun"])
            .file("hub.pyfun", text)
            .run()
            .await;
        assert!(
            check.assert_exit(78).output().contains("`target_table`"),
            "{check:?}"
        );
    }
}

#[tokio::test]
async fn check_names_host_and_database_and_nothing_else() {
    let database = TestDatabase::new().await;
    let url = database.url();
    let run = async |url: &str, arguments: &[&str]| {
        let command = ["check", "--config", "hub.pyfun"].iter().chain(arguments);
        Program::new(command)
            .file("hub.pyfun", "")
            .env("DATABASE_URL", url)
            .run()
            .await
    };
    let good = run(&url, &[]).await;
    let text = &good.assert_exit(0).stdout;
    assert!(
        text.contains("localhost/test") && text.contains("verify-full"),
        "{text}"
    );
    let password = url.split([':', '@']).nth(2).unwrap();
    assert!(!good.output().contains(password), "{good:?}");
    let json = run(&url, &["--json"]).await;
    let json: Value = serde_json::from_str(&json.assert_exit(0).stdout).unwrap();
    assert!(
        json["database"]["place"]
            .as_str()
            .unwrap()
            .starts_with("localhost/"),
        "{json}"
    );
    let bad = run("mysql://u:rosebud@h/d", &[]).await;
    let text = bad.assert_exit(0).output();
    assert!(
        text.contains("DATABASE_URL cannot be read") && !text.contains("rosebud"),
        "{text}"
    );
    let none = Program::new(["check", "--config", "hub.pyfun"])
        .file("hub.pyfun", "")
        .run()
        .await;
    assert!(none.stdout.contains("set DATABASE_URL"), "{none:?}");
}
