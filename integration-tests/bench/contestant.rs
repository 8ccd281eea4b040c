//! Contestant: somebody who is called, with which bytes, and what must come back.

use std::rc::Rc;

use super::server::Server;

/// Contestants that do the same work and can be compared.
pub(crate) struct Scenario {
    /// What is done, for the heading.
    pub(crate) title: String,
    /// In the order of their turns. The last one is compared with each of the others.
    pub(crate) contestants: Vec<Contestant>,
}

/// One of them.
pub(crate) struct Contestant {
    /// For the table.
    pub(crate) name: &'static str,
    /// Who answers. Its processor time and memory are reported.
    pub(crate) server: Rc<Server>,
    /// The whole request, as bytes on the wire. It is sent again and again.
    pub(crate) request: Vec<u8>,
    /// Words that are in every right answer.
    pub(crate) answer: &'static str,
}
