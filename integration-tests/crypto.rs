//! `POST /crypto`: calls in envelopes that only the hub can open, each once.

use std::{fs, process::Stdio, time::Duration};

use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream, process::Command};

use crate::support::{
    FakeUpstream, Fault, Hub, Program, Pyfun, eventually, http,
    packages::python,
    sealed::{self, ANYONE, Caller, VARIABLES},
    within,
};

/// What an envelope is refused with, whatever is wrong with it.
const REFUSAL: &str = "The envelope cannot be opened.";
/// Changed envelopes that are sent.
const MUTATIONS: usize = 20_000;
/// Longest run of a client.
const RUN: Duration = Duration::from_secs(60);

fn pyfun(upstream: &FakeUpstream) -> Pyfun {
    Pyfun::three(upstream).and("[DB_SYNC]\nSQLITE_PATH = \"data/state.db\"\n[DB_SYNC_END]\n")
}

async fn hub(upstream: &FakeUpstream) -> Hub {
    Hub::builder()
        .pyfun(&pyfun(upstream))
        .keys()
        .sealed()
        .start()
        .await
}

fn prompt(text: &str) -> Value {
    json!({"tool": "llm_complete", "params": {"prompt": text}})
}

#[tokio::test]
async fn a_sealed_call_is_a_call() {
    let upstream = FakeUpstream::start().await;
    let (hub, caller) = (hub(&upstream).await, Caller::new(ANYONE));
    let sent = caller.seal(&prompt("a secret question"));
    let reply = hub.crypto(sent.to_string()).await;
    let inside = caller
        .open(&sent, &reply.assert_ok().body)
        .expect("an answer to this request");
    assert_eq!(inside["status"], 200, "{inside}");
    assert_eq!(inside["body"]["meta"]["provider"], "anthropic", "{inside}");
    assert_eq!(
        inside["body"]["meta"]["request_id"],
        reply.header("x-request-id")
    );
    let outside = reply.to_string();
    let answer = inside["body"]["result"].as_str().unwrap();
    for word in [answer, "anthropic", "claude"] {
        assert!(!outside.contains(word), "`{word}` in {outside}");
    }
    assert_eq!(
        upstream.anthropic.only().body["messages"][0]["content"],
        "a secret question"
    );
    let other = caller.seal(&prompt("another"));
    assert_eq!(
        caller.open(&other, &reply.body),
        None,
        "an answer to another request"
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_call_is_told_inside() {
    let upstream = FakeUpstream::start().await;
    upstream.always(&Fault::Status(500));
    let (hub, caller) = (hub(&upstream).await, Caller::new(ANYONE));
    let cases = [
        (prompt("x"), 502, "providers_failed"),
        (json!({"tool": "frobnicate"}), 404, "unknown_tool"),
        (
            json!({"tool": "persist_result", "params": {"data": "x"}}),
            503,
            "not_configured",
        ),
        (json!([]), 400, "bad_request"),
    ];
    for (call, status, code) in cases {
        let sent = caller.seal(&call);
        let reply = hub.crypto(sent.to_string()).await;
        let inside = caller
            .open(&sent, &reply.assert_ok().body)
            .expect("an answer");
        assert_eq!(
            (&inside["status"], &inside["body"]["code"]),
            (&json!(status), &json!(code)),
            "{inside}"
        );
    }
}

#[tokio::test]
async fn without_a_master_key_it_is_not_configured() {
    let upstream = FakeUpstream::start().await;
    let placeholder = "your_256_bit_key_here";
    for variables in [
        &[][..],
        &VARIABLES[..1],
        &VARIABLES[1..],
        &[VARIABLES[1], ("MASTER_ENCRYPTION_KEY", placeholder)],
    ] {
        let hub = Hub::builder().pyfun(&pyfun(&upstream));
        let hub = variables
            .iter()
            .fold(hub, |hub, (name, value)| hub.env(name, value))
            .start()
            .await;
        let reply = hub.crypto("{}").await;
        reply.assert_fails(503, "not_configured").assert_contract();
        assert!(
            reply.error().contains("PERSISTENT_ENCRYPTION_SALT"),
            "{reply}"
        );
    }
}

#[tokio::test]
async fn the_door_is_as_strict_as_the_others() {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream).await;
    let get = hub.get("/crypto").await;
    get.assert_fails(405, "method_not_allowed");
    let text = http::request("POST", "/crypto", &[("Content-Type", "text/plain")], b"{}");
    hub.raw(&text)
        .await
        .assert_fails(415, "unsupported_media_type");
    let large = "POST /crypto HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10485761\r\n\r\n";
    hub.raw(large.as_bytes())
        .await
        .assert_fails(413, "payload_too_large");
    for body in ["", "{", "[]", "null", "{}", &prompt("plain").to_string()] {
        let reply = hub.crypto(body).await;
        reply.assert_fails(400, "bad_request").assert_contract();
        assert_eq!(reply.error(), REFUSAL, "{body}");
    }
}

#[tokio::test]
async fn nobody_uses_anothers_key() {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream).await;
    let somebody = Caller::new("somebody");
    let sent = somebody.seal(&prompt("x"));
    assert_eq!(
        hub.crypto(sent.to_string())
            .await
            .assert_fails(400, "bad_request")
            .error(),
        REFUSAL
    );
    let mut claimed = somebody.clone();
    claimed.kid = ANYONE.to_owned();
    let sent = claimed.seal(&prompt("x"));
    assert_eq!(
        hub.crypto(sent.to_string())
            .await
            .assert_fails(400, "bad_request")
            .error(),
        REFUSAL
    );
    assert_eq!(upstream.seen().len(), 0);
}

#[tokio::test]
async fn the_clock_may_be_a_minute_off() {
    let upstream = FakeUpstream::start().await;
    let (hub, caller) = (hub(&upstream).await, Caller::new(ANYONE));
    let call = json!({"tool": "list_active_tools"});
    let at = async |ts: u64| {
        hub.crypto(caller.seal_at(&call, ts).to_string())
            .await
            .status
    };
    let now = sealed::now();
    assert_eq!(at(now + 55).await, 200);
    // The exact edges, and the past, are the unit test's: a hub refuses what is older than itself.
    for ts in [0, now - 61, now + 90, u64::MAX] {
        assert_eq!(at(ts).await, 400, "{ts}");
    }
}

#[tokio::test]
async fn a_replay_is_409_also_after_a_restart() {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream).await;
    let caller = Caller::new(ANYONE);
    // Of a clock that is ahead, so that the next hub does not refuse it for its age.
    let sent = caller
        .seal_at(&prompt("once"), sealed::now() + 30)
        .to_string();
    let all = futures(&hub, &sent, 20).await;
    assert_eq!(
        all.iter().filter(|status| **status == 200).count(),
        1,
        "{all:?}"
    );
    assert_eq!(
        all.iter().filter(|status| **status == 409).count(),
        19,
        "{all:?}"
    );
    hub.crypto(&sent)
        .await
        .assert_fails(409, "replayed")
        .assert_contract();

    let mut hub = hub;
    hub.process.signal(rustix::process::Signal::KILL);
    let ended = async || hub.process.ended();
    eventually(RUN, "the end of the hub", ended).await;
    let data = hub.process.folder.path().join("data");
    let next = Hub::builder().pyfun(&pyfun(&upstream)).keys().sealed();
    let next = next.env("HUB_DATA_DIR", data.display()).start().await;
    next.crypto(&sent).await.assert_fails(409, "replayed");
    assert_eq!(upstream.anthropic.seen().len(), 1);
    // One that was sealed for the hub before, and never came to it, is too old for this one.
    let old = caller.seal_at(&prompt("late"), sealed::now() - 50);
    next.crypto(old.to_string())
        .await
        .assert_fails(400, "bad_request");
    let new = caller.seal(&prompt("now"));
    let reply = next.crypto(new.to_string()).await;
    assert!(caller.open(&new, &reply.assert_ok().body).is_some());
}

/// The statuses of the same body, sent `count` times at once.
async fn futures(hub: &Hub, body: &str, count: usize) -> Vec<u16> {
    let mut set = tokio::task::JoinSet::new();
    for _ in 0..count {
        let (address, bytes) = (hub.address, sealed::request(body.as_bytes()));
        set.spawn(async move {
            http::exchange(address, &bytes)
                .await
                .unwrap()
                .second_word()
                .parse()
                .unwrap()
        });
    }
    set.join_all().await
}

/// A small generator (xorshift), so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// A change of one envelope, with a second one of the same caller to take parts from.
fn mutate(original: &Value, other: &Value, random: &mut Random) -> Vec<u8> {
    const FIELDS: [&str; 7] = ["v", "kid", "ts", "id", "nonce", "tag", "data"];
    let field = FIELDS[random.below(FIELDS.len())];
    let mut bytes = original.to_string().into_bytes();
    let at = random.below(bytes.len());
    match random.below(8) {
        0 | 1 => bytes[at] ^= 1 << random.below(8),
        2 => bytes[at] = random.below(256) as u8,
        3 => drop(bytes.remove(at)),
        4 => bytes.insert(at, random.below(256) as u8),
        5 => bytes.truncate(at),
        6 => {
            let mut mixed = original.clone();
            mixed[field] = other[field].clone();
            bytes = mixed.to_string().into_bytes();
        }
        _ => {
            let end = at + random.below(bytes.len() - at);
            bytes[at..end].reverse();
        }
    }
    bytes
}

#[tokio::test]
async fn no_mutation_of_an_envelope_is_accepted() {
    let upstream = FakeUpstream::start().await;
    let (hub, caller) = (hub(&upstream).await, Caller::new(ANYONE));
    // Ahead, so that it stays fresh while this runs.
    let ts = sealed::now() + 30;
    let original = caller.seal_at(&prompt("one"), ts);
    let other = caller.seal_at(&prompt("two"), ts + 1);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut connections = Vec::new();
    for _ in 0..4 {
        connections.push(TcpStream::connect(hub.address).await.unwrap());
    }
    let mut sent = 0;
    while sent < MUTATIONS {
        let mutation = mutate(&original, &other, &mut random);
        // Space between fields, or an escaped letter, is the same envelope.
        if serde_json::from_slice(&mutation).is_ok_and(|same: Value| same == original) {
            continue;
        }
        let connection = &mut connections[sent % 4];
        connection
            .write_all(&sealed::request(&mutation))
            .await
            .unwrap();
        let reply = within(RUN, "an answer", http::read_message(connection))
            .await
            .unwrap();
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        let shown = || String::from_utf8_lossy(&mutation).into_owned();
        assert_eq!(reply.second_word(), "400", "{} {body}", shown());
        assert_eq!(body["error"], REFUSAL, "{}", shown());
        sent += 1;
    }
    assert_eq!(upstream.seen().len(), 0);
    let reply = hub.crypto(original.to_string()).await;
    assert!(
        caller.open(&original, &reply.assert_ok().body).is_some(),
        "the original is one"
    );
}

/// The README's example in a language that speaks of `/crypto`.
fn example(language: &str) -> String {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let fence = format!("```{language}\n");
    let mut blocks = readme
        .split(&fence)
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    blocks
        .find(|block| block.contains("/crypto"))
        .expect("an example")
        .to_owned()
}

async fn example_works(language: &str, mut command: Command) {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream).await;
    let script = hub.process.folder.path().join(format!("client.{language}"));
    fs::write(&script, example(language)).unwrap();
    command
        .arg(&script)
        .env("HUB_URL", format!("http://{}", hub.address))
        .env("HUB_CRYPTO_KEY", Caller::new(ANYONE).key());
    let output = within(RUN, "the client's end", command.output()).await;
    let output =
        output.unwrap_or_else(|error| panic!("{language} is needed, see .ci/tools: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let asked = &upstream.anthropic.only().body["messages"][0]["content"];
    assert_eq!(asked, "Why is the sky blue?");
    assert!(
        output.status.success() && !said.trim().is_empty(),
        "{said} {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test]
async fn the_example_in_python_works() {
    example_works("python", python()).await;
}

#[tokio::test]
async fn the_example_in_php_works() {
    example_works("php", Command::new("php")).await;
}

/// Runs `hub crypto` with this input.
async fn command(
    arguments: &[&str],
    variables: &[(&str, &str)],
    input: &[u8],
) -> (i32, Vec<u8>, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_hub"))
        .arg("crypto")
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // One that ends before it reads has said why.
    drop(stdin.write_all(input).await);
    drop(stdin);
    let output = within(RUN, "the command's end", child.wait_with_output())
        .await
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap(), output.stdout, stderr)
}

#[tokio::test]
async fn a_script_seals_sends_and_opens() {
    let upstream = FakeUpstream::start().await;
    let hub = hub(&upstream).await;
    let (code, key, _) = command(&["key"], &VARIABLES, b"").await;
    let key = String::from_utf8(key).unwrap();
    assert_eq!((code, key.trim()), (0, Caller::new(ANYONE).key().as_str()));
    // A caller needs its own key and nothing else.
    let own = [("HUB_CRYPTO_KEY", key.trim())];
    let (code, sent, _) = command(
        &["seal"],
        &own,
        prompt("from a script").to_string().as_bytes(),
    )
    .await;
    assert_eq!(code, 0);
    let reply = hub.crypto(&sent).await;
    let file = hub.process.folder.path().join("sent.json");
    fs::write(&file, &sent).unwrap();
    let open = ["open", "--request", file.to_str().unwrap()];
    let (code, text, stderr) = command(&open, &own, &reply.assert_ok().message.body).await;
    assert_eq!(code, 0, "{stderr}");
    let inside: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(inside["body"]["meta"]["provider"], "anthropic", "{inside}");
    // Not without knowing which request it answers.
    let (code, text, stderr) = command(&["open"], &own, &reply.message.body).await;
    assert!(
        code == 1 && text.is_empty() && stderr.contains("cannot be opened"),
        "{stderr}"
    );
    let (code, _, stderr) = command(&["seal"], &[], b"{}").await;
    assert!(
        code == 78 && stderr.contains("MASTER_ENCRYPTION_KEY"),
        "{stderr}"
    );
    let (code, _, stderr) = command(&["seal"], &[("HUB_CRYPTO_KEY", "abc")], b"{}").await;
    assert!(code == 78 && !stderr.contains("abc\n"), "{stderr}");
}

#[tokio::test]
async fn what_the_python_hub_kept_encrypted_is_opened() {
    let secret = "grüße, and \u{1F511}".as_bytes();
    let blob = sealed::fields(&sealed::master(), "", secret).to_string();
    let (code, text, stderr) = command(&["open"], &VARIABLES, blob.as_bytes()).await;
    assert_eq!((code, text.as_slice()), (0, secret), "{stderr}");
    let wrong = [VARIABLES[0], ("PERSISTENT_ENCRYPTION_SALT", "another")];
    let (code, text, stderr) = command(&["open"], &wrong, blob.as_bytes()).await;
    assert!(code == 1 && text.is_empty() && !stderr.is_empty());
    let (_, blob, _) = command(&["seal", "--blob"], &VARIABLES, secret).await;
    let (code, text, _) = command(&["open"], &VARIABLES, &blob).await;
    assert_eq!((code, text.as_slice()), (0, secret));
    let key = Program::new(["crypto", "key", "--kid", "a|b"]).run().await;
    key.assert_exit(64);
}
