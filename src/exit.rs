//! Exit codes, as BSD's sysexits(3) names them.

/// All is well.
pub const OK: u8 = 0;
/// A check or a call failed.
pub const FAILED: u8 = 1;
/// EX_USAGE: the command line is wrong.
pub const USAGE: u8 = 64;
/// EX_UNAVAILABLE: the address is in use, or no hub answers there.
pub const UNAVAILABLE: u8 = 69;
/// EX_SOFTWARE: our own fault.
pub const INTERNAL: u8 = 70;
/// EX_CONFIG: hub.pyfun or `.env` is wrong.
pub const CONFIG: u8 = 78;
