//! Control: how commands reach the running hub: a Unix socket in its data folder, one JSON object on one
//! line each way. Whoever may open it is the files' owner, and may do everything.

mod actor;
mod client;
mod request;
mod socket;

pub use self::{
    actor::start,
    client::{ask, ask_running, put_down_at_once},
    request::{Answer, KeyRequest, Request, UserRequest},
    socket::Bound,
};
