//! People who log in: what a session is good for, what locks an account, and who is taken over from the
//! Python hub.

use std::{fs, path::Path, process::Stdio, time::Duration};

use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, process::Command};

use crate::support::{FakeUpstream, Hub, Pyfun, Reply, eventually, http, packages::python, within};

pub(crate) const PASSWORD: &str = "correct horse battery";
const BROWSER: &str = "Mozilla/5.0 (test)";
/// Longest run of a command, with half a million rounds on a busy machine.
const RUN: Duration = Duration::from_secs(60);

fn pyfun(upstream: &FakeUpstream) -> String {
    let state = "[DB_SYNC]\nSQLITE_PATH = \"data/state.db\"\n[DB_SYNC_END]\n";
    Pyfun::three(upstream).and(state).to_string()
}

/// Runs `hub ARGUMENTS..` in the hub's folder: it acts on the running one.
pub(crate) async fn command(folder: &Path, arguments: &[&str], input: &str) -> (i32, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hub"))
        .args(arguments)
        .env_clear()
        .env("HUB_DATA_DIR", "data")
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // One that ends before it reads has said why.
    drop(stdin.write_all(input.as_bytes()).await);
    drop(stdin);
    let output = within(RUN, "the command's end", child.wait_with_output())
        .await
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

/// A hub with one user, `ada`.
async fn hub(upstream: &FakeUpstream) -> Hub {
    let hub = Hub::builder()
        .pyfun_text(&pyfun(upstream))
        .keys()
        .start()
        .await;
    let added = command(hub.process.folder.path(), &["user", "add", "ada"], PASSWORD).await;
    assert_eq!(added, (0, "added ada\n".to_owned()));
    hub
}

/// A browser at the hub's own pages.
pub(crate) struct Browser<'a> {
    hub: &'a Hub,
    agent: &'a str,
    pub(crate) cookie: Option<String>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(hub: &'a Hub) -> Self {
        Self {
            hub,
            agent: BROWSER,
            cookie: None,
        }
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: &Value) -> Reply {
        let cookie = self.cookie.clone().unwrap_or_default();
        let headers = [
            ("Content-Type", "application/json"),
            ("User-Agent", self.agent),
            ("Origin", "http://127.0.0.1"),
            ("Cookie", &cookie),
        ];
        let count = if self.cookie.is_some() { 4 } else { 3 };
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.hub
            .raw(&http::request(
                method,
                path,
                &headers[..count],
                body.as_bytes(),
            ))
            .await
    }

    /// Logs in; keeps the cookie if there is one.
    pub(crate) async fn login(&mut self, name: &str, password: &str) -> Reply {
        let reply = self
            .send(
                "POST",
                "/auth/login",
                &json!({"username": name, "password": password}),
            )
            .await;
        let cookie = reply.header("set-cookie");
        if let Some(pair) = cookie.split(';').next().filter(|pair| !pair.is_empty()) {
            for word in ["HttpOnly", "SameSite=Strict", "Path=/"] {
                assert!(cookie.contains(word), "{cookie}");
            }
            self.cookie = Some(pair.to_owned());
        }
        reply
    }

    pub(crate) async fn me(&self) -> Reply {
        self.send("GET", "/auth/me", &Value::Null).await
    }
}

#[tokio::test]
async fn a_session_is_good_for_one_browser_until_it_ends() {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream).await;
    let mut ada = Browser::new(&hub);
    ada.me().await.assert_fails(401, "unauthorized");
    ada.login("ada", PASSWORD).await.assert_ok();
    let me = ada.me().await;
    assert_eq!(
        (&me.assert_ok().body["name"], &me.body["admin"]),
        (&json!("ada"), &json!("")),
        "{me}"
    );
    let call = json!({"tool": "llm_complete", "params": {"prompt": "hello"}});
    ada.send("POST", "/api", &call).await.assert_ok();

    let stolen = Browser {
        agent: "curl/8",
        cookie: ada.cookie.clone(),
        ..Browser::new(&hub)
    };
    stolen.me().await.assert_fails(401, "unauthorized");
    // Another address of this machine.
    let request = http::request(
        "GET",
        "/auth/me",
        &[
            ("User-Agent", BROWSER),
            ("Cookie", ada.cookie.as_deref().unwrap()),
        ],
        b"",
    );
    let elsewhere = from([127, 0, 0, 9].into(), &hub, &request).await;
    assert_eq!(elsewhere.second_word(), "401");
    let guessed = Browser {
        cookie: Some("hub_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned()),
        ..Browser::new(&hub)
    };
    guessed.me().await.assert_fails(401, "unauthorized");
    // A page of another port is the same site to a browser, and not ours.
    let foreign = [
        ("User-Agent", BROWSER),
        ("Origin", "http://127.0.0.1:3000"),
        ("Cookie", ada.cookie.as_deref().unwrap()),
        ("Content-Type", "application/json"),
    ];
    let body = call.to_string();
    hub.raw(&http::request("POST", "/api", &foreign, body.as_bytes()))
        .await
        .assert_fails(401, "unauthorized");

    // A new login ends the session before; logging out ends the new one.
    let before = Browser {
        cookie: ada.cookie.clone(),
        ..Browser::new(&hub)
    };
    ada.login("ada", PASSWORD).await.assert_ok();
    before.me().await.assert_fails(401, "unauthorized");
    ada.me().await.assert_ok();
    let replayed = Browser {
        cookie: ada.cookie.clone(),
        ..Browser::new(&hub)
    };
    ada.send("POST", "/auth/logout", &Value::Null)
        .await
        .assert_ok();
    replayed.me().await.assert_fails(401, "unauthorized");
}

/// Sends bytes from this address.
async fn from(address: std::net::IpAddr, hub: &Hub, bytes: &[u8]) -> http::Message {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind((address, 0).into()).unwrap();
    let mut stream = socket.connect(hub.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    http::read_message(&mut stream).await.unwrap()
}

#[tokio::test]
async fn the_fifth_wrong_password_locks_and_an_api_key_still_works() {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream).await;
    let folder = hub.process.folder.path();
    let (code, key) = command(folder, &["key", "add", "--name", "script"], "").await;
    assert_eq!(code, 0, "{key}");
    let bearer = format!("Bearer {}", key.lines().next().unwrap());
    let mut answers = Vec::new();
    for _ in 0..5 {
        let mut browser = Browser::new(&hub);
        let mut reply = browser.login("ada", "wrong password").await;
        answers.push((reply.status, reply.body["error"].take()));
    }
    let mut ada = Browser::new(&hub);
    let mut locked = ada.login("ada", PASSWORD).await;
    answers.push((locked.status, locked.body["error"].take()));
    // Of nobody it says the same.
    let mut nobody = ada.login("nobody", PASSWORD).await;
    answers.push((nobody.status, nobody.body["error"].take()));
    assert!(
        answers
            .iter()
            .all(|answer| *answer == answers[0] && answer.0 == 401),
        "{answers:?}"
    );
    let call = json!({"tool": "health_check"}).to_string();
    let headers = [
        ("Content-Type", "application/json"),
        ("Authorization", bearer.as_str()),
    ];
    hub.raw(&http::request("POST", "/api", &headers, call.as_bytes()))
        .await
        .assert_ok();
    // Seven tries; after three more this address has to wait.
    for _ in 0..3 {
        ada.login("ada", "x")
            .await
            .assert_fails(401, "unauthorized");
    }
    let reply = ada.login("ada", PASSWORD).await;
    reply.assert_fails(429, "rate_limited");
    assert!(
        (1..=60).contains(&reply.header("retry-after").parse().unwrap()),
        "{reply}"
    );
    let (_, listed) = command(folder, &["user", "list"], "").await;
    assert!(listed.contains("locked by wrong passwords"), "{listed}");
    assert_eq!(command(folder, &["user", "unlock", "ada"], "").await.0, 0);
    let body = json!({"username": "ada", "password": PASSWORD}).to_string();
    let login = http::request(
        "POST",
        "/auth/login",
        &[("Content-Type", "application/json")],
        body.as_bytes(),
    );
    let elsewhere = from([127, 0, 0, 9].into(), &hub, &login).await;
    assert_eq!(elsewhere.second_word(), "200");
}

#[tokio::test]
async fn who_is_locked_or_gets_another_password_is_out_at_once() {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream).await;
    let folder = hub.process.folder.path();
    let mut ada = Browser::new(&hub);
    ada.login("ada", PASSWORD).await.assert_ok();
    ada.me().await.assert_ok();
    assert_eq!(command(folder, &["user", "lock", "ada"], "").await.0, 0);
    ada.me().await.assert_fails(401, "unauthorized");
    ada.login("ada", PASSWORD)
        .await
        .assert_fails(401, "unauthorized");
    assert_eq!(command(folder, &["user", "unlock", "ada"], "").await.0, 0);
    ada.login("ada", PASSWORD).await.assert_ok();
    assert_eq!(
        command(folder, &["user", "passwd", "ada"], "another password\n")
            .await
            .0,
        0
    );
    ada.me().await.assert_fails(401, "unauthorized");
    ada.login("ada", PASSWORD)
        .await
        .assert_fails(401, "unauthorized");
    ada.login("ada", "another password").await.assert_ok();
    let (code, said) = command(folder, &["user", "add", "eve"], "short").await;
    assert!(code == 1 && said.contains("8 to 1024"), "{said}");
    let (code, said) = command(folder, &["user", "add", "ada"], PASSWORD).await;
    assert!(code == 1 && said.contains("already"), "{said}");
    // The sessions outlive the hub.
    let cookie = ada.cookie.clone();
    let data = tempfile::tempdir().unwrap();
    let kept = data.path().join("data");
    fs::create_dir(&kept).unwrap();
    fs::copy(folder.join("data/guardian.db"), kept.join("guardian.db")).unwrap();
    let next = Hub::builder()
        .pyfun_text(&pyfun(&upstream))
        .env("HUB_DATA_DIR", kept.display())
        .start()
        .await;
    let again = Browser {
        cookie,
        ..Browser::new(&next)
    };
    again.me().await.assert_ok();
}

/// The Python hub's file, made by what it was made with.
const PYTHON_HUB: &str = r#"
import sqlite3, sys
from passlib.hash import pbkdf2_sha256
db = sqlite3.connect(sys.argv[1])
db.execute("CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, username TEXT UNIQUE NOT NULL, password TEXT NOT NULL, is_admin INTEGER NOT NULL DEFAULT 0, account_locked INTEGER NOT NULL DEFAULT 0, failed_login_attempts INTEGER NOT NULL DEFAULT 0)")
db.execute("CREATE TABLE sessions (id TEXT PRIMARY KEY, user_id INTEGER NOT NULL, ip_address TEXT, user_agent TEXT)")
rows = [("boss", pbkdf2_sha256.hash("bosspass"), 1, 0), ("guest", pbkdf2_sha256.hash("guestpass"), 0, 0),
        ("gone", pbkdf2_sha256.hash("gonepass"), 0, 1), ("odd", "md5:1234", 0, 0), ("ada", pbkdf2_sha256.hash("x"), 0, 0)]
db.executemany("INSERT INTO users (username, password, is_admin, account_locked) VALUES (?, ?, ?, ?)", rows)
db.commit()
"#;

#[tokio::test]
async fn users_of_the_python_hub_are_taken_over() {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream).await;
    let folder = hub.process.folder.path();
    let file = folder.join("cms.db");
    let mut made = python();
    made.arg("-c").arg(PYTHON_HUB).arg(&file);
    let made = within(RUN, "the file", made.output()).await.unwrap();
    assert!(made.status.success(), "{made:?}");
    let (code, said) = command(folder, &["import-users", file.to_str().unwrap()], "").await;
    assert_eq!(code, 0, "{said}");
    for line in [
        "taken  boss",
        "taken  guest",
        "taken  gone",
        "left   odd: the password",
        "left   ada: there is a user",
        "3 users taken, 2 left",
    ] {
        assert!(said.contains(line), "`{line}` in\n{said}");
    }
    assert!(
        !said.contains("md5:1234") && !said.contains("$29000$"),
        "{said}"
    );
    let mut boss = Browser::new(&hub);
    boss.login("boss", "bosspass").await.assert_ok();
    assert_eq!(boss.me().await.body["admin"], "*");
    boss.login("guest", "guestpass").await.assert_ok();
    boss.login("gone", "gonepass")
        .await
        .assert_fails(401, "unauthorized");
    // Nothing of a password or a session is anywhere to be read.
    let session = boss.cookie.unwrap();
    let (_, session) = session.split_once('=').unwrap();
    for (place, bytes) in hub.traces() {
        let text = String::from_utf8_lossy(&bytes);
        assert!(
            ["bosspass", PASSWORD, session]
                .iter()
                .all(|secret| !text.contains(secret)),
            "{place}"
        );
    }
}

#[tokio::test]
async fn what_is_no_login_is_told_so() {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream).await;
    let ada = Browser::new(&hub);
    for body in [
        json!({}),
        json!([]),
        json!({"username": "ada"}),
        json!({"username": 1, "password": "x"}),
    ] {
        ada.send("POST", "/auth/login", &body)
            .await
            .assert_fails(400, "bad_request");
    }
    let long = json!({"username": "ada", "password": "x".repeat(2_000)});
    ada.send("POST", "/auth/login", &long)
        .await
        .assert_fails(401, "unauthorized");
    ada.send("GET", "/auth/login", &Value::Null)
        .await
        .assert_fails(401, "unauthorized");
}

#[tokio::test]
async fn logins_and_logouts_are_put_down_without_what_was_typed() {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream).await;
    let folder = hub.process.folder.path();
    let mut ada = Browser::new(&hub);
    ada.login("ada", "not her password").await;
    // Where the name belongs people type their password, too.
    ada.login(PASSWORD, "ada").await;
    ada.login("ada", PASSWORD).await.assert_ok();
    let out = ada.send("POST", "/auth/logout", &Value::Null).await;
    out.assert_ok();
    let look = async || {
        let (_, lines) = command(folder, &["audit", "--json"], "").await;
        let lines: Vec<Value> = lines
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        let brief = lines.iter().map(|line| {
            ["name", "door", "what", "outcome", "provider"]
                .map(|field| line[field].as_str().unwrap())
                .join(" ")
        });
        let brief: Vec<_> = brief.collect();
        (brief
            == [
                "local control user add ada ok ",
                "ada auth login unauthorized 127.0.0.1",
                "nobody auth login unauthorized 127.0.0.1",
                "ada auth login ok 127.0.0.1",
                "ada auth logout ok 127.0.0.1",
            ])
        .then_some(())
    };
    eventually(Duration::from_secs(10), "five lines of the audit", look).await;
    for (place, bytes) in hub.traces() {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(PASSWORD), "{place}");
    }
}
