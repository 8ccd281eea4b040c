//! Whom the hub believes that it is its database, and what it says of it.

use std::time::Duration;

use serde_json::json;

use crate::{
    persist::{LOOK, builder, health, status},
    support::{Canaries, FakeUpstream, Hub, Postgres, TestDatabase, eventually},
};

/// A hub whose only interest is whether it gets to its database; says what became of that.
async fn reaches(url: &str) -> (bool, String, Hub) {
    let upstream = FakeUpstream::start().await;
    let hub = builder(&upstream, url).start().await;
    let known = async || {
        let health = health(&hub).await;
        let state = health["database"]["state"].as_str()?.to_owned();
        (state != "connecting").then_some((state, health))
    };
    let ((state, health), _) = eventually(LOOK, "the database's state", known).await;
    // Down or not: nobody waits for it.
    let expected = if state == "connected" {
        "dead_letter"
    } else {
        "queued"
    };
    assert_eq!(status(&hub, json!(1)).await, expected, "{health}");
    let reason = health["database"]["reason"].as_str().unwrap_or_default();
    (state == "connected", reason.to_owned(), hub)
}

#[tokio::test]
async fn certificates_count_as_sslmode_says() {
    let server = Postgres::shared();
    let roots = server.roots().display().to_string();
    let other = Postgres::start("");
    let others = other.roots().display().to_string();
    let named = |params: &str| server.dsn("postgres", params);
    let addressed = |params: &str| named(params).replace("@localhost:", "@127.0.0.1:");
    let refused = [
        (
            addressed(&format!("sslmode=verify-full&sslrootcert={roots}")),
            "another name",
        ),
        (
            named(&format!("sslmode=verify-full&sslrootcert={others}")),
            "signed by nobody",
        ),
        (
            named(&format!("sslmode=verify-ca&sslrootcert={others}")),
            "signed by nobody",
        ),
        // As libpq: roots count as soon as they are named.
        (
            named(&format!("sslmode=require&sslrootcert={others}")),
            "signed by nobody",
        ),
        (named("sslmode=verify-full"), "signed by nobody"),
    ];
    for (url, why) in refused {
        let (connected, reason, _hub) = reaches(&url).await;
        assert!(!connected && reason.contains(why), "{url}: {reason}");
    }
    let accepted = [
        named(&format!("sslmode=verify-full&sslrootcert={roots}")),
        addressed(&format!("sslmode=verify-ca&sslrootcert={roots}")),
        named("sslmode=require"),
        // Lower modes are raised: the server says which it saw.
        named("sslmode=prefer"),
        named("sslmode=allow"),
        named("application_name=raised"),
    ];
    for url in accepted {
        let (connected, reason, _hub) = reaches(&url).await;
        assert!(connected, "{url}: {reason}");
        let admin = server.client("postgres").await;
        let sql = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                   WHERE client_addr IS NOT NULL AND NOT ssl \
                   AND application_name IN ('multi-llm-hub', 'raised') AND datname = 'postgres'";
        let plain: i64 = admin.query_one(sql, &[]).await.unwrap().get(0);
        assert_eq!(plain, 0, "{url}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_refused_unless_the_dsn_says_so() {
    let server = Postgres::start("ssl = off");
    for params in ["", "sslmode=prefer", "sslmode=require"] {
        let (connected, reason, _hub) = reaches(&server.dsn("postgres", params)).await;
        assert!(
            !connected && reason.contains("no TLS"),
            "{params}: {reason}"
        );
    }
    let (connected, reason, hub) = reaches(&server.dsn("postgres", "sslmode=disable")).await;
    assert!(connected, "{reason}");
    let log = hub.process.stderr.text();
    assert!(log.contains("WARN") && log.contains("without TLS"), "{log}");
}

#[tokio::test]
async fn a_unix_socket_needs_the_word_too() {
    let server = Postgres::shared();
    let folder = server.folder().display();
    let words = format!(
        "host={folder} port={} user=hub dbname=postgres",
        server.port
    );
    let (connected, reason, hub) = reaches(&format!("{words} sslmode = 'disable'")).await;
    assert!(connected, "{reason}");
    assert!(hub.process.stderr.text().contains("without TLS"));
    let upstream = FakeUpstream::start().await;
    let hub = builder(&upstream, &words).start().await;
    let reply = hub.call("persist_result", json!({"data": 1})).await;
    reply.assert_fails(503, "not_configured");
    assert!(reply.error().contains("sslmode=disable"), "{reply}");
}

#[tokio::test]
async fn connections_are_few_and_have_their_limits() {
    let database = TestDatabase::new().await;
    let (connected, reason, _hub) = reaches(&database.url()).await;
    assert!(connected, "{reason}");
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
               AND application_name = 'multi-llm-hub'";
    let count = database.number(sql).await;
    assert!((1..=10).contains(&count), "{count}");
    // A lock that is never given back holds up a row for the statement's time, and no call.
    let client = database.client().await;
    client
        .batch_execute("CREATE TABLE hub_results (id uuid PRIMARY KEY, payload jsonb)")
        .await
        .unwrap();
    let upstream = FakeUpstream::start().await;
    let url = format!("{}&options=-c%20statement_timeout%3D500", database.url());
    let hub = builder(&upstream, &url).start().await;
    assert_eq!(status(&hub, json!(1)).await, "persisted");
    client
        .batch_execute("BEGIN; LOCK TABLE hub_results")
        .await
        .unwrap();
    let reply = hub.call("persist_result", json!({"data": 2})).await;
    assert_eq!(reply.assert_ok().result()["status"], "queued", "{reply}");
    assert!(reply.elapsed < Duration::from_secs(2), "{reply}");
    let late = async || {
        let health = health(&hub).await;
        let reason = health["database"]["reason"].as_str()?;
        reason.contains("57014").then_some(())
    };
    eventually(LOOK, "the statement's end", late).await;
    hub.prompt("hello").await.assert_ok();
    client.batch_execute("ROLLBACK").await.unwrap();
    let two =
        async || (database.number("SELECT count(*) FROM hub_results").await == 2).then_some(());
    eventually(LOOK, "the row", two).await;
}

#[tokio::test]
async fn the_password_is_in_no_log_at_any_level() {
    let upstream = FakeUpstream::start().await;
    let database = TestDatabase::new().await;
    let mut canaries = Canaries::default();
    let password = canaries.hatch("the password");
    let encoded: String = password
        .bytes()
        .map(|byte| format!("%{byte:02x}"))
        .collect();
    let role = format!("role{:x}", fastrand::u64(..));
    let literal = password.replace('\'', "''");
    database
        .run(&format!("CREATE ROLE {role} LOGIN PASSWORD '{literal}'"))
        .await;
    let good = database.url_of(&role, &encoded);
    let closed = format!("postgresql://{role}:{encoded}@127.0.0.1:9/hub");
    let urls = [
        good.clone(),
        closed,
        // Accepted by nobody: a wrong role, a wrong name, a wrong form.
        database.url_of("nobody", &encoded),
        good.replace("@localhost", "@127.0.0.1"),
        good.replace("sslmode=verify-full", "sslmode=always"),
        good.replace("postgresql://", "postgresql:/"),
        format!(
            "host=localhost password={} user={role}",
            password.replace(['\'', ' '], "")
        ),
        format!("postgresql://{role}:{password}@localhost/hub"),
        format!("postgresql://{role}:{password}"),
    ];
    for url in urls {
        for level in ["error", "warn", "info", "debug", "trace"] {
            let hub = builder(&upstream, &url)
                .env("LOG_LEVEL", level)
                .env("RUST_BACKTRACE", "full")
                .env("HUB__DEBUG__DEBUG", "on")
                .env("HUB__DEBUG__LOG_FILE", "hub.log")
                .start()
                .await;
            let reply = hub.call("persist_result", json!({"data": 1})).await;
            canaries.assert_absent("an answer", reply.to_string().as_bytes());
            let known = async || {
                let health = health(&hub).await;
                (health["database"]["state"] != "connecting").then_some(health)
            };
            let (health, _) = eventually(LOOK, "the database's state", known).await;
            canaries.assert_absent("health_check", health.to_string().as_bytes());
            let listed = hub.call("list_active_tools", json!({})).await;
            canaries.assert_absent("the list", listed.to_string().as_bytes());
            for (place, bytes) in hub.traces() {
                canaries.assert_absent(&place, &bytes);
            }
        }
    }
    // It did travel: with it, the server lets the role in.
    let (connected, reason, _hub) = reaches(&good).await;
    assert!(connected, "{reason}");
}
