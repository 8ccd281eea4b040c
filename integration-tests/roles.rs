//! Roles: what people who log in may do, as PostgreSQL says; nothing where it says nothing.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    db_command::init,
    persist,
    support::{
        FakeUpstream, Hub, Postgres, Program, Reply, TestDatabase, eventually, program::Finished,
    },
    users::{Browser, PASSWORD, command},
};

/// Longest look at something that comes by itself.
const LOOK: Duration = Duration::from_secs(30);
/// A role that sees two tools, and Gemini's small model.
const NARROW: &str = "tool:llm_*,tool:list_active_tools,model:gemini-fast-1-*";

/// A hub with this database and the user `ada`.
async fn hub(upstream: &FakeUpstream, url: &str) -> Hub {
    let hub = persist::builder(upstream, url).data().start().await;
    let folder = hub.process.folder.path();
    let added = command(folder, &["user", "add", "ada"], PASSWORD).await;
    assert_eq!(added, (0, "added ada\n".to_owned()));
    hub
}

async fn role(hub: &Hub, arguments: &[&str]) -> Finished {
    hub.command(&[&["role"], arguments].concat()).await
}

/// A role's command that works.
async fn done(hub: &Hub, arguments: &[&str]) -> String {
    role(hub, arguments).await.assert_exit(0).stdout.clone()
}

async fn call(browser: &Browser<'_>, tool: &str) -> Reply {
    let params = match tool {
        "llm_complete" => json!({"prompt": "hello"}),
        "db_query" => json!({"sql": "SELECT 1 AS one"}),
        _ => json!({}),
    };
    let body = json!({"tool": tool, "params": params});
    browser.send("POST", "/api", &body).await
}

async fn logged_in(hub: &Hub) -> Browser<'_> {
    let mut browser = Browser::new(hub);
    assert_eq!(browser.login("ada", PASSWORD).await.status, 200);
    browser
}

async fn until(browser: &Browser<'_>, tool: &str, status: u16) {
    let look = async || (call(browser, tool).await.status == status).then_some(());
    eventually(LOOK, &format!("{status} for {tool}"), look).await;
}

#[tokio::test]
async fn a_user_sees_and_calls_what_their_roles_allow_and_a_revoked_one_nothing_at_once() {
    let (upstream, database) = (FakeUpstream::start().await, TestDatabase::new().await);
    init(&database.url(), "hub_results").await.assert_exit(0);
    let hub = hub(&upstream, &database.url()).await;
    let ada = logged_in(&hub).await;
    for tool in ["llm_complete", "list_active_tools", "db_query", "no_such"] {
        call(&ada, tool).await.assert_fails(403, "forbidden");
    }
    done(&hub, &["add", "narrow", "--permissions", NARROW]).await;
    done(&hub, &["add", "sql", "--permissions", "tool:db_query"]).await;
    done(&hub, &["grant", "ada", "narrow"]).await;
    let list = call(&ada, "list_active_tools").await;
    let list = list.assert_ok().result();
    assert_eq!(
        list["active_tools"],
        json!(["llm_complete", "list_active_tools"])
    );
    assert_eq!(list["available_models"], json!(["gemini-fast-1-lite"]));
    let answer = call(&ada, "llm_complete").await;
    assert_eq!(answer.assert_ok().provider(), "gemini", "{answer}");
    call(&ada, "db_query").await.assert_fails(403, "forbidden");

    // Roles add up; a set replaces; what is taken is gone with the command's answer.
    done(&hub, &["grant", "ada", "sql"]).await;
    call(&ada, "db_query").await.assert_ok();
    call(&ada, "llm_complete").await.assert_ok();
    done(&hub, &["set", "ada", "sql"]).await;
    call(&ada, "db_query").await.assert_ok();
    call(&ada, "llm_complete")
        .await
        .assert_fails(403, "forbidden");
    done(&hub, &["revoke", "ada", "sql"]).await;
    call(&ada, "db_query").await.assert_fails(403, "forbidden");
    done(&hub, &["set", "ada", "narrow, sql"]).await;
    done(&hub, &["add", "narrow", "--permissions", "tool:summarize"]).await;
    call(&ada, "llm_complete")
        .await
        .assert_fails(403, "forbidden");
    done(&hub, &["remove", "sql"]).await;
    call(&ada, "db_query").await.assert_fails(403, "forbidden");
    let list: Value = serde_json::from_str(&done(&hub, &["list", "--json"]).await).unwrap();
    let expected = json!([{"name": "narrow", "permissions": ["tool:summarize"], "users": ["ada"]}]);
    assert_eq!(list, expected);
    assert!(done(&hub, &["list"]).await.contains("tool:summarize"));
    let audit = hub.command(&["audit", "--since", "1h"]).await;
    assert!(
        audit.stdout.contains("role set ada narrow,sql"),
        "{audit:?}"
    );
}

#[tokio::test]
async fn what_is_changed_in_the_database_itself_counts_by_itself() {
    let (upstream, database) = (FakeUpstream::start().await, TestDatabase::new().await);
    let hub = hub(&upstream, &database.url()).await;
    // Without the tables, everybody calls everything.
    let ada = logged_in(&hub).await;
    call(&ada, "db_query").await.assert_ok();
    init(&database.url(), "hub_results").await.assert_exit(0);
    until(&ada, "db_query", 403).await;
    database
        .run(
            "INSERT INTO user_roles VALUES ('r'); INSERT INTO user_permissions VALUES \
             ('tool:db_query'), ('tool:*, *'), ('everything');
             INSERT INTO role_permissions VALUES ('r', 'tool:db_query'), ('r', 'tool:*, *'), \
             ('r', 'everything');
             INSERT INTO user_role_assignments VALUES ('ada', 'r')",
        )
        .await;
    until(&ada, "db_query", 200).await;
    // What is no permission allows nothing.
    call(&ada, "llm_complete")
        .await
        .assert_fails(403, "forbidden");
    database.run("DELETE FROM user_role_assignments").await;
    until(&ada, "db_query", 403).await;
    // Tables that vanish open nothing.
    database
        .run("DROP TABLE user_role_assignments, role_permissions, user_permissions, user_roles")
        .await;
    let again = logged_in(&hub).await;
    call(&again, "db_query")
        .await
        .assert_fails(403, "forbidden");
}

#[tokio::test]
async fn while_the_database_is_gone_roles_allow_nothing_and_keys_what_they_did() {
    let upstream = FakeUpstream::start().await;
    let mut server = Postgres::start("");
    let url = server.dsn("postgres", &server.verified());
    init(&url, "hub_results").await.assert_exit(0);
    let hub = hub(&upstream, &url).await;
    let folder = hub.process.folder.path();
    let added = command(folder, &["user", "add", "root", "--admin"], PASSWORD).await;
    assert_eq!(added.0, 0, "{added:?}");
    let key = hub.add_key("script", &[]).await;
    done(&hub, &["add", "sql", "--permissions", "tool:db_query"]).await;
    done(&hub, &["grant", "ada", "sql"]).await;
    let ada = logged_in(&hub).await;
    let mut root = Browser::new(&hub);
    assert_eq!(root.login("root", PASSWORD).await.status, 200);
    call(&ada, "db_query").await.assert_ok();
    server.kill();
    until(&ada, "db_query", 403).await;
    call(&root, "db_query").await.assert_ok();
    let sql = json!({"sql": "SELECT 1 AS one"});
    hub.call_with(&key, "db_query", sql).await.assert_ok();
    // Who comes now is let in, and may do nothing; a command says why it does not work.
    let late = logged_in(&hub).await;
    call(&late, "db_query").await.assert_fails(403, "forbidden");
    let failed = role(&hub, &["grant", "ada", "sql"]).await;
    assert!(
        failed.assert_exit(1).stderr.contains("the database:"),
        "{failed:?}"
    );
    server.restart();
    until(&ada, "db_query", 200).await;
}

#[tokio::test]
async fn names_are_data_and_a_replacement_is_whole_or_nothing() {
    let (upstream, database) = (FakeUpstream::start().await, TestDatabase::new().await);
    init(&database.url(), "hub_results").await.assert_exit(0);
    let hub = hub(&upstream, &database.url()).await;
    let hostile = "x'); DROP TABLE user_roles; --";
    done(&hub, &["add", hostile, "--permissions", "tool:db_query"]).await;
    done(&hub, &["add", "other", "--permissions", "tool:summarize"]).await;
    done(&hub, &["grant", "ada", hostile]).await;
    let ada = logged_in(&hub).await;
    call(&ada, "db_query").await.assert_ok();
    for (arguments, sentence) in [
        (["set", "ada", "other,nobody's"], "no role `nobody's`"),
        (["set", "' OR 1=1 --", "other"], "no user"),
        (["grant", "ada", "' OR ''='"], "no role"),
        (["revoke", "ada", "' OR ''='"], "does not have"),
        (["revoke", "' OR ''='", "other"], "does not have"),
    ] {
        let refused = role(&hub, &arguments).await;
        let said = &refused.assert_exit(1).stderr;
        assert!(said.contains(sentence), "{said}");
    }
    let refused = role(&hub, &["add", "a,b", "--permissions", "tool:x"]).await;
    assert!(refused.assert_exit(1).stderr.contains("no comma"));
    let refused = role(&hub, &["add", "a", "--permissions", "tool:x,admin:*"]).await;
    assert!(refused.assert_exit(64).stderr.contains("is no permission"));
    // Nothing of what failed was done.
    call(&ada, "db_query").await.assert_ok();
    let sql = "SELECT count(*) FROM user_role_assignments";
    assert_eq!(database.number(sql).await, 1);
    assert_eq!(database.number("SELECT count(*) FROM user_roles").await, 2);
    // Two at the same time leave what one of them said.
    done(&hub, &["add", "third", "--permissions", "tool:x"]).await;
    for _ in 0..5 {
        let (left, right) = (["set", "ada", "other"], ["set", "ada", "third"]);
        tokio::join!(done(&hub, &left), done(&hub, &right));
        assert_eq!(database.number(sql).await, 1);
    }
    done(&hub, &["set", "ada", ""]).await;
    assert_eq!(database.number(sql).await, 0);
}

#[tokio::test]
async fn without_a_running_hub_the_database_is_changed_itself() {
    let database = TestDatabase::new().await;
    let folder = tempfile::tempdir().unwrap();
    let run = async |arguments: &[&str], url: Option<String>| {
        let program = Program::new(arguments).env("HUB_DATA_DIR", folder.path().display());
        match url {
            Some(url) => program.env("DATABASE_URL", url).run().await,
            None => program.run().await,
        }
    };
    let url = || Some(database.url());
    let add = ["role", "add", "sql", "--permissions", "tool:db_query"];
    let unset = run(&add, None).await;
    assert!(
        unset
            .assert_exit(78)
            .stderr
            .contains("DATABASE_URL is not set"),
        "{unset:?}"
    );
    let early = run(&add, url()).await;
    assert!(
        early.assert_exit(1).stderr.contains("`hub db init`"),
        "{early:?}"
    );
    init(&database.url(), "hub_results").await.assert_exit(0);
    run(&add, url()).await.assert_exit(0);
    let nobody = run(&["role", "grant", "ada", "sql"], url()).await;
    assert!(nobody.assert_exit(1).stderr.contains("no user `ada`"));
    let list = run(&["role", "list"], url()).await;
    assert!(list.assert_exit(0).stdout.contains("tool:db_query"));
}

#[tokio::test]
async fn init_makes_the_tables_of_roles_once_and_says_what_somebody_elses_lacks() {
    let database = TestDatabase::new().await;
    let tables = [
        "user_roles",
        "user_permissions",
        "role_permissions",
        "user_role_assignments",
    ];
    let first = init(&database.url(), "hub_results").await;
    let again = init(&database.url(), "hub_results").await;
    for table in tables {
        assert!(
            first
                .assert_exit(0)
                .stdout
                .contains(&format!("{table}: created"))
        );
        assert!(
            again
                .assert_exit(0)
                .stdout
                .contains(&format!("{table}: is there"))
        );
    }
    let database = TestDatabase::new().await;
    database
        .run("CREATE TABLE user_permissions (id serial PRIMARY KEY, label text)")
        .await;
    let foreign = init(&database.url(), "hub_results").await;
    let said = &foreign.assert_exit(1).stderr;
    assert!(
        said.contains("ALTER TABLE") && said.contains("old_user_permissions"),
        "{said}"
    );
}
