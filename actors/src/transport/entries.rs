//! Entries: logins and logouts, as the log and the audit have them. Never a password, and never a name
//! that nobody has: people type their password there, too.

use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use crate::{
    account::{Account, Limits},
    audit::{Audited, Trail},
    principal::Principal,
    request_id::RequestId,
};

/// Refused logins that are put down in a minute; the others are counted. The audit has a hundred times
/// more lines than an hour brings so: strangers cannot push out what others did.
const REFUSED: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// Puts logins and logouts down.
pub struct Entries {
    rate: Arc<Account>,
    /// Refused logins since the last that was put down.
    unsaid: AtomicU64,
}

// === impl Entries ===

impl Default for Entries {
    fn default() -> Self {
        let limits = Limits {
            rpm: Some(REFUSED),
            ..Limits::default()
        };
        Self {
            rate: Account::new(limits),
            unsaid: AtomicU64::new(0),
        }
    }
}

impl Entries {
    /// Somebody has logged in.
    pub fn login(&self, trail: &Trail, who: &Principal, from: IpAddr) {
        leave(trail, (&who.id, &who.name), "login".to_owned(), "ok", from);
    }

    /// Somebody has logged out.
    pub fn logout(&self, trail: &Trail, who: &Principal, from: IpAddr) {
        leave(trail, (&who.id, &who.name), "logout".to_owned(), "ok", from);
    }

    /// Somebody was refused who wanted in as `user`, if there is such a user.
    pub fn refused(&self, trail: &Trail, user: Option<Arc<str>>, from: IpAddr) {
        if self.rate.charge(NonZeroU32::MIN).is_err() {
            self.unsaid.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let what = match self.unsaid.swap(0, Ordering::Relaxed) {
            0 => "login".to_owned(),
            more => format!("login, after {more} more that were refused"),
        };
        let name = user.unwrap_or_else(|| "nobody".into());
        leave(trail, (&"".into(), &name), what, "unauthorized", from);
    }
}

fn leave(
    trail: &Trail,
    (principal, name): (&Arc<str>, &Arc<str>),
    what: String,
    outcome: &'static str,
    from: IpAddr,
) {
    tracing::info!(principal = &**name, act = what, outcome, %from, "administered");
    trail.leave(Audited {
        at: SystemTime::now(),
        principal: principal.clone(),
        name: name.clone(),
        door: "auth",
        what,
        provider: from.to_string().into(),
        model: "".into(),
        outcome,
        cost_usd: None,
        ms: 0,
        request_id: RequestId::new().as_str().to_owned(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_refused_logins_is_counted_and_not_written() {
        let (trail, mut lines) = Trail::new(1_000);
        let entries = Entries::default();
        let from = IpAddr::from([127, 0, 0, 1]);
        for _ in 0..500 {
            entries.refused(&trail, None, from);
        }
        entries.login(&trail, &Principal::all("ada"), from);
        let mut found = Vec::new();
        while let Ok(line) = lines.try_recv() {
            found.push((line.name.to_string(), line.what, line.outcome));
        }
        let refused = found.iter().filter(|line| line.2 == "unauthorized").count();
        assert!((10..=12).contains(&refused), "{found:?}");
        let last = found
            .last()
            .map(|(name, what, outcome)| (name.as_str(), what.as_str(), *outcome));
        assert_eq!(last, Some(("ada", "login", "ok")));
        assert!(entries.unsaid.load(Ordering::Relaxed) >= 488);
    }
}
