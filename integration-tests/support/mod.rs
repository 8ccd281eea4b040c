//! The instruments: fake vendors, a running hub, a raw HTTP client, canaries.
//!
//! # Layout
//! - `program`: the binary as a process with its output captured; `hub`: one that serves
//! - `pyfun`: the configuration texts the tests share
//! - `upstream`: a server that speaks the vendors' formats; `fault`: the ways it fails; `vendor`:
//!   the bodies, `searches` those of searches, `stream` those that come bit by bit; `bomb`: bodies that
//!   never end; `vectors`: those that it makes; `talk`: a vendor that converses; `exchange`: what it saw
//! - `chat`: requests of SDKs by hand
//! - `http`: requests byte for byte, and replies read to the last one
//! - `postgres`: a database server of the tests' own; `installed`: what it is made of; `cutter`: a wire
//!   to it that breaks
//! - `mcp`: messages and streams of MCP; `packages`: its official clients, from npm and PyPI
//! - `sealed`: a caller of `POST /crypto`
//! - `canary`: secrets that are recognised in any disguise
//! - `pictures`: a server with images, over TLS, and one that must not be found
//! - `deadline`: waiting without sleeping blindly

pub(crate) mod bomb;
pub(crate) mod canary;
pub(crate) mod chat;
pub(crate) mod cutter;
pub(crate) mod deadline;
pub(crate) mod exchange;
pub(crate) mod fault;
pub(crate) mod http;
pub(crate) mod hub;
pub(crate) mod installed;
pub(crate) mod mcp;
pub(crate) mod packages;
pub(crate) mod pictures;
pub(crate) mod postgres;
pub(crate) mod program;
pub(crate) mod pyfun;
pub(crate) mod reply;
pub(crate) mod sealed;
pub(crate) mod searches;
pub(crate) mod stream;
pub(crate) mod talk;
pub(crate) mod upstream;
pub(crate) mod vectors;
pub(crate) mod vendor;
pub(crate) mod vendors;

pub(crate) use canary::{Canaries, secret_of};
pub(crate) use deadline::{eventually, within};
pub(crate) use fault::Fault;
pub(crate) use hub::Hub;
pub(crate) use postgres::{Postgres, TestDatabase};
pub(crate) use program::Program;
pub(crate) use pyfun::Pyfun;
pub(crate) use reply::Reply;
pub(crate) use upstream::FakeUpstream;
