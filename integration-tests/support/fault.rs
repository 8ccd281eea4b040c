//! The ways in which a vendor answers, most of them bad.

use std::{io, time::Duration};

use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::tcp::WriteHalf, time::sleep};

use super::{
    bomb,
    exchange::Exchange,
    stream::{Cut, Stream},
    talk::{Question, Turn},
    vectors,
    vendor::Vendor,
};

/// Between two bytes of a slow vendor.
const DRIP: Duration = Duration::from_millis(50);

/// How a fake vendor behaves on one request.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// 200 and this text, in the vendor's format; in two halves if it is to come bit by bit. Vectors, if
    /// these are asked for.
    Answer(&'static str),
    /// 200 and this, bit by bit, whatever was asked for.
    Stream(Stream),
    /// The same, after a while.
    Late(Duration, &'static str),
    /// This status with the vendor's error body.
    Status(u16),
    /// The same with `Retry-After` in seconds.
    RetryAfter(u16, u64),
    /// 429 with these header lines, each with its `\r\n`.
    Limited(&'static str),
    /// 429 because the account is used up.
    Quota,
    /// This status and JSON, whatever it is.
    Json(u16, Value),
    /// This status, content type and body.
    Body(u16, &'static str, Vec<u8>),
    /// A good answer under a wrong content type.
    ContentType(&'static str),
    /// 200 with an error inside, as OpenRouter sends it once generation has begun.
    ErrorInside200,
    /// This status; the request's headers come back in the error body, in every place where a
    /// client might look for a word, and in the answer's headers.
    Echo(u16),
    /// 307 to the same path on another host.
    Redirect(String),
    /// The connection is reset before a byte of the answer.
    ResetBeforeAnswer,
    /// The connection is reset in the middle of the body.
    ResetInBody,
    /// The connection ends properly in the middle of the JSON, which the length agrees with.
    TruncatedJson,
    /// These bytes in the place of a head, and the connection ends.
    Head(Vec<u8>),
    /// The head comes byte by byte and never ends.
    SlowHead,
    /// The body comes byte by byte and never ends.
    SlowBody,
    /// Nothing comes, ever.
    Hang,
    /// A body of a gibibyte.
    HugeBody,
    /// A body of a mebibyte that unpacks to more than a gibibyte.
    GzipBomb,
    /// Converses, as the request wants it.
    Talk,
}

/// What is to become of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Afterwards {
    /// The next request may come.
    KeepOpen,
    /// Nothing more is said, the far end is not told yet.
    WaitForHangUp,
    /// A proper end (FIN).
    Close,
    /// A reset (RST).
    Reset,
}

// === impl Fault ===

impl Fault {
    /// Behaves like this on one request.
    pub(crate) async fn play(
        &self,
        vendor: Vendor,
        exchange: &Exchange,
        to: &mut WriteHalf<'_>,
    ) -> io::Result<Afterwards> {
        let mut out = Out { exchange, to };
        match self {
            Self::Answer(text) if exchange.streams() => {
                out.stream(vendor, &Stream::halves(text)).await
            }
            Self::Stream(stream) => out.stream(vendor, stream).await,
            Self::Answer(text) => out.json(200, "", &good(vendor, exchange, text)).await,
            Self::Late(pause, text) => {
                sleep(*pause).await;
                out.json(200, "", &good(vendor, exchange, text)).await
            }
            Self::Status(status) => out.json(*status, "", &vendor.error(*status, "no")).await,
            Self::RetryAfter(status, seconds) => {
                let header = format!("Retry-After: {seconds}\r\n");
                let body = vendor.error(*status, "slow down");
                out.json(*status, &header, &body).await
            }
            Self::Limited(headers) => out.json(429, headers, &vendor.error(429, "no")).await,
            Self::Quota => out.json(429, "", &vendor.quota()).await,
            Self::Json(status, body) => out.json(*status, "", body).await,
            Self::Body(status, content_type, body) => {
                out.whole(*status, content_type, "", body).await
            }
            Self::ContentType(content_type) => {
                let body = good(vendor, exchange, "hello").to_string();
                out.whole(200, content_type, "", body.as_bytes()).await
            }
            Self::ErrorInside200 => {
                let body = json!({"error": {
                    "code": 502, "message": "the model went away",
                    "metadata": {"provider_name": "Somebody", "raw": "upstream died"},
                }});
                out.json(200, "", &body).await
            }
            Self::Echo(status) => out.echo(*status, vendor).await,
            Self::Redirect(base) => {
                let header = format!("Location: {base}{}\r\n", exchange.target());
                out.whole(307, "text/html", &header, b"moved").await
            }
            Self::ResetBeforeAnswer => Ok(Afterwards::Reset),
            Self::ResetInBody => {
                let opening = vendor.opening();
                out.write(head(200, "application/json", "Content-Length: 5000\r\n").as_bytes())
                    .await?;
                out.write(opening.as_bytes()).await?;
                // The far end should have read the half before the reset throws it away.
                sleep(DRIP).await;
                Ok(Afterwards::Reset)
            }
            Self::TruncatedJson => {
                let body = vendor.opening().as_bytes();
                out.whole(200, "application/json", "", body).await?;
                Ok(Afterwards::Close)
            }
            Self::Head(bytes) => {
                out.write(bytes).await?;
                Ok(Afterwards::Close)
            }
            Self::SlowHead => {
                out.write(b"HTTP/1.1 200 OK\r\nX-Slow: ").await?;
                out.drip().await
            }
            Self::SlowBody => {
                out.write(head(200, "application/json", "Content-Length: 1000000\r\n").as_bytes())
                    .await?;
                out.write(vendor.opening().as_bytes()).await?;
                out.drip().await
            }
            Self::Hang => Ok(Afterwards::WaitForHangUp),
            Self::HugeBody => out.huge(vendor).await,
            Self::GzipBomb => out.bomb(vendor).await,
            Self::Talk => match Question::new(vendor, exchange).turn() {
                Turn::Fail(status) => out.json(status, "", &vendor.error(status, "no")).await,
                Turn::Hang => Ok(Afterwards::WaitForHangUp),
                Turn::Stream(stream) => out.stream(vendor, &stream).await,
                Turn::Whole(answer) => out.json(200, "", &answer).await,
            },
        }
    }
}

/// The answer's side of a connection, counting.
struct Out<'a, 'b> {
    exchange: &'a Exchange,
    to: &'a mut WriteHalf<'b>,
}

// === impl Out ===

impl Out<'_, '_> {
    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.to.write_all(bytes).await?;
        self.exchange.note_sent(bytes.len());
        Ok(())
    }

    async fn json(&mut self, status: u16, headers: &str, body: &Value) -> io::Result<Afterwards> {
        let body = body.to_string();
        self.whole(status, "application/json", headers, body.as_bytes())
            .await
    }

    async fn whole(
        &mut self,
        status: u16,
        content_type: &str,
        headers: &str,
        body: &[u8],
    ) -> io::Result<Afterwards> {
        let headers = format!("{headers}Content-Length: {}\r\n", body.len());
        let head = head(status, content_type, &headers);
        self.write(&[head.as_bytes(), body].concat()).await?;
        Ok(Afterwards::KeepOpen)
    }

    async fn echo(&mut self, status: u16, vendor: Vendor) -> io::Result<Afterwards> {
        let request = self.exchange.head();
        let mut body = vendor.error(status, &request);
        let values = self.exchange.message.headers.iter();
        let values = values.map(|(_, value)| value.rsplit(' ').next().unwrap_or_default());
        let longest = values.max_by_key(|value| value.len()).unwrap_or_default();
        let error = &mut body["error"];
        error["echo"] = json!(request);
        error["details"] = json!([{"reason": longest, "error_code": longest}]);
        error["metadata"] = json!({"raw": request, "provider_name": longest});
        for key in ["type", "code", "status", "param"] {
            error[key] = json!(longest);
        }
        // A machine word is made of letters: a secret that begins with letters passes for one.
        let word: String = longest
            .chars()
            .take_while(char::is_ascii_lowercase)
            .collect();
        if matches!(status, 413 | 429 | 500..) {
            error["type"] = json!(word);
            error["code"] = json!(word);
        }
        body["request_id"] = json!(longest);
        body["model"] = json!(longest);
        let mut headers = String::new();
        for name in [
            "Retry-After",
            "X-Request-Id",
            "Request-Id",
            "X-Echo",
            "X-Should-Retry",
        ] {
            headers.push_str(&format!("{name}: {longest}\r\n"));
        }
        self.json(status, &headers, &body).await
    }

    async fn drip(&mut self) -> io::Result<Afterwards> {
        loop {
            sleep(DRIP).await;
            self.write(b"a").await?;
        }
    }

    async fn huge(&mut self, vendor: Vendor) -> io::Result<Afterwards> {
        self.chunked_head("").await?;
        self.chunk(vendor.opening().as_bytes()).await?;
        let piece = vec![b'a'; bomb::PIECE];
        for _ in 0..bomb::GIBIBYTE / bomb::PIECE as u64 {
            self.chunk(&piece).await?;
        }
        self.write(b"0\r\n\r\n").await?;
        Ok(Afterwards::KeepOpen)
    }

    async fn bomb(&mut self, vendor: Vendor) -> io::Result<Afterwards> {
        self.chunked_head("Content-Encoding: gzip\r\n").await?;
        self.chunk(&bomb::gzip_opening(vendor.opening().as_bytes()))
            .await?;
        for _ in 0..=bomb::GIBIBYTE / bomb::PIECE as u64 {
            self.chunk(bomb::gzip_piece()).await?;
        }
        self.write(b"0\r\n\r\n").await?;
        Ok(Afterwards::KeepOpen)
    }

    async fn stream(&mut self, vendor: Vendor, stream: &Stream) -> io::Result<Afterwards> {
        let headers = "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n";
        self.write(head(200, "text/event-stream", headers).as_bytes())
            .await?;
        for event in stream.events(vendor, self.exchange.model()) {
            if !stream.pace.is_zero() {
                sleep(stream.pace).await;
            }
            self.chunk(event.as_bytes()).await?;
        }
        match stream.cut.map(|(_, cut)| cut) {
            Some(Cut::Reset) => {
                // The far end should have read what came before the reset throws it away.
                sleep(DRIP).await;
                Ok(Afterwards::Reset)
            }
            Some(Cut::Stall) => Ok(Afterwards::WaitForHangUp),
            None | Some(Cut::Error | Cut::Close) => {
                self.write(b"0\r\n\r\n").await?;
                Ok(Afterwards::KeepOpen)
            }
        }
    }

    async fn chunked_head(&mut self, headers: &str) -> io::Result<()> {
        let headers = format!("{headers}Transfer-Encoding: chunked\r\n");
        self.write(head(200, "application/json", &headers).as_bytes())
            .await
    }

    async fn chunk(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write(format!("{:x}\r\n", bytes.len()).as_bytes())
            .await?;
        self.write(bytes).await?;
        self.write(b"\r\n").await
    }
}

fn good(vendor: Vendor, exchange: &Exchange, text: &str) -> Value {
    vectors::answer(exchange).unwrap_or_else(|| vendor.answer(exchange.model(), text))
}

fn head(status: u16, content_type: &str, headers: &str) -> String {
    format!("HTTP/1.1 {status} Status\r\nContent-Type: {content_type}\r\n{headers}\r\n")
}
