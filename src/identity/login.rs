//! Login: a password for a session. What is slow is done on lent threads, two at a time, so that nobody
//! who asks for something else waits for it.

use std::{net::IpAddr, time::Duration};

use actix::{fut::wrap_future, prelude::*};
use hub_actors::protocol::{Browser, Digest, LoggedIn, Login, LoginError, Logout};
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

use super::{
    actor::Identity,
    desk::now,
    identities::Identities,
    lockout::Attempts,
    password::{Hash, ROUNDS},
    session::{LONGEST, Session},
    sessions,
    store::StoreError,
    users::{self, Found, User},
};
use crate::roles;

/// Passwords that are checked at a time.
pub const AT_A_TIME: usize = 2;
/// Logins that may wait for that.
pub const WAITING: usize = 64;

/// Longest name that is looked for, in bytes: 64 characters.
const LONGEST_NAME: usize = 256;

/// Somebody who wants in.
pub(super) struct Try {
    pub name: String,
    pub password: Zeroizing<String>,
    pub browser: Browser,
    /// The session that their browser has; it ends.
    pub before: Option<Digest>,
}

/// What a try came to.
pub(super) enum Checked {
    /// They are in.
    Right(User, Session, Zeroizing<String>),
    /// They are not. As whom they tried, if there is such a user, and what to keep of it.
    Wrong(Option<User>, Option<Attempts>),
}

/// Looks at a password. The same work for everybody: a user, nobody, one who is locked.
///
/// # Errors
/// [`StoreError`]
pub(super) fn check(shared: &Identities, who: &Try, now: u64) -> Result<Checked, StoreError> {
    let Try {
        name,
        password,
        browser,
        before,
    } = who;
    let Found { user, rounds } = users::find(&shared.store, name)?;
    let kept = user
        .as_ref()
        .map_or_else(Attempts::default, |(_, _, attempts)| *attempts);
    let begun = shared.lockout().begin(name, kept, now);
    let nobody = Hash::nobody();
    let hash = user.as_ref().map_or(&nobody, |(_, hash, _)| hash);
    let right = hash.verify(password, shared.rounds.max(rounds));
    let known = user.as_ref().map(|(user, ..)| user.clone());
    if !begun {
        return Ok(Checked::Wrong(known, None));
    }
    let admitted = user.filter(|(user, ..)| right && !user.is_locked);
    let attempts = shared.lockout().end(name, admitted.is_some(), now);
    let Some((user, hash, _)) = admitted else {
        return Ok(Checked::Wrong(known, Some(attempts)));
    };
    let session = Session::begin(user.id, browser.address, browser.agent, now);
    let Ok((session, id)) = session else {
        return Ok(Checked::Wrong(known, None));
    };
    let outdated = hash.rounds() != ROUNDS;
    let renewed = outdated.then(|| Hash::again(password)).and_then(Result::ok);
    let hashes = (&hash, renewed.as_ref());
    if !sessions::begin(&shared.store, &session, before.as_ref(), hashes)? {
        return Ok(Checked::Wrong(known, None));
    }
    if kept != attempts {
        users::keep(&shared.store, user.id, attempts)?;
    }
    Ok(Checked::Right(user, session, id))
}

// === impl Identities ===

impl Identities {
    fn admit(&self, address: IpAddr) -> Result<(), LoginError> {
        let admitted = self.lockout().admit(address, now());
        admitted.map_err(|wait| LoginError::Later(Duration::from_secs(wait)))
    }
}

// === impl Identity ===

impl Handler<Login> for Identity {
    type Result = ();

    fn handle(&mut self, login: Login, ctx: &mut Self::Context) {
        let Login {
            name,
            password,
            browser,
            before,
            reply,
        } = login;
        let shared = self.shared.clone();
        let place = match shared.admit(browser.address) {
            Ok(()) => shared.waiting.clone().try_acquire_owned(),
            Err(later) => return drop(reply.send(Err(later))),
        };
        let Ok(place) = place else {
            return drop(reply.send(Err(LoginError::Busy)));
        };
        let who = Try {
            // What is longer is nobody's name, and is not to be remembered.
            name: if name.len() > LONGEST_NAME {
                String::new()
            } else {
                name
            },
            password: Zeroizing::new(password),
            browser,
            before,
        };
        let checked = async move {
            let turn = shared.turns.clone().acquire_owned().await;
            let work = spawn_blocking(move || {
                let checked = check(&shared, &who, now());
                drop((turn, place));
                (checked, who.before, shared)
            });
            work.await
        };
        let checked = wrap_future::<_, Self>(checked).then(|checked, identity, _| {
            let database = match &checked {
                Ok((Ok(Checked::Right(user, ..)), ..)) => identity.roles.needed(user),
                _ => None,
            };
            wrap_future(async move {
                let read = match database {
                    Some(database) => Some(roles::read(&database).await),
                    None => None,
                };
                (checked, read)
            })
        });
        ctx.spawn(checked.map(|(checked, read), identity, ctx| {
            if let Some(read) = read {
                identity.take_roles(read, ctx);
            }
            let (checked, before, shared) = match checked {
                Ok(checked) => checked,
                Err(panic) => std::panic::resume_unwind(panic.into_panic()),
            };
            let answer = match checked {
                Ok(Checked::Right(user, session, id)) => {
                    let principal = identity.of_user(&user, &session);
                    identity.sessions.insert(session.hash, session);
                    if let Some(before) = before {
                        identity.end_session(&before);
                    }
                    Ok(LoggedIn {
                        session: id.to_string(),
                        seconds: LONGEST,
                        principal,
                    })
                }
                Ok(Checked::Wrong(tried, kept)) => {
                    let name = tried.as_ref().map(|user| user.name.as_str().into());
                    if let (Some(User { id: user, .. }), Some(attempts)) = (tried, kept) {
                        // After the answer, which must not take longer for those whom we know.
                        ctx.spawn(wrap_future(async move {
                            let kept =
                                spawn_blocking(move || users::keep(&shared.store, user, attempts));
                            if let Ok(Err(error)) = kept.await {
                                tracing::warn!(%error, "a failed login is counted in memory alone");
                            }
                        }));
                    }
                    Err(LoginError::Wrong(name))
                }
                Err(error) => {
                    tracing::warn!(%error, "nobody can log in");
                    Err(LoginError::Busy)
                }
            };
            // Whoever asked may be gone.
            let _ = reply.send(answer);
        }));
    }
}

impl Handler<Logout> for Identity {
    type Result = ();

    fn handle(&mut self, Logout { session, reply }: Logout, ctx: &mut Self::Context) {
        self.end_session(&session);
        let shared = self.shared.clone();
        ctx.spawn(wrap_future(async move {
            let ended = spawn_blocking(move || sessions::end(&shared.store, &session));
            if let Ok(Err(error)) = ended.await {
                tracing::warn!(%error, "a session's end is known in memory alone");
            }
            let _ = reply.send(());
        }));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustix::time::{ClockId, clock_gettime};

    use super::*;
    use crate::{
        identity::{Admission, Store, users::NewUser},
        settings::Auth,
    };

    const PASSWORD: &str = "correct horse battery";

    /// A store with one user, whose hash has few rounds.
    fn house(rounds: u32) -> Arc<Identities> {
        let admission = Admission {
            auth: Auth::Auto,
            loopback: true,
            from_outside: None,
        };
        let mut shared = Identities::new(Store::in_memory().expect("opens"), admission);
        Arc::get_mut(&mut shared).expect("is ours").rounds = rounds;
        let hash = Hash::of_rounds(PASSWORD, rounds)
            .expect("is made")
            .to_string();
        let user = NewUser {
            name: "ada".to_owned(),
            hash,
            is_admin: false,
            is_locked: false,
        };
        users::add(&shared.store, &user, 1).expect("is added");
        shared
    }

    fn attempt(shared: &Identities, name: &str, password: &str, now: u64) -> bool {
        let who = Try {
            name: name.to_owned(),
            password: Zeroizing::new(password.to_owned()),
            browser: Browser {
                address: [127, 0, 0, 1].into(),
                agent: [0; 32],
            },
            before: None,
        };
        let checked = check(shared, &who, now).expect("is checked");
        if let Checked::Wrong(Some(user), Some(attempts)) = &checked {
            users::keep(&shared.store, user.id, *attempts).expect("is kept");
        }
        matches!(checked, Checked::Right(..))
    }

    #[test]
    fn the_fifth_failure_locks_also_with_fifty_at_once() {
        let shared = house(1_000);
        std::thread::scope(|scope| {
            for _ in 0..50 {
                scope.spawn(|| assert!(!attempt(&shared, "ada", "wrong password", 100)));
            }
        });
        let user = users::all(&shared.store).expect("are read").remove(0);
        assert_eq!((user.failures, user.until), (5, 100 + 15 * 60));
        assert!(!attempt(&shared, "ada", PASSWORD, 100 + 15 * 60 - 1));
        assert!(attempt(&shared, "ada", PASSWORD, 100 + 15 * 60));
        let user = users::all(&shared.store).expect("are read").remove(0);
        assert_eq!((user.failures, user.until), (0, 0));
        // What was counted outlives the hub.
        for _ in 0..5 {
            attempt(&shared, "ada", "wrong password", 5_000);
        }
        *shared.lockout() = super::super::lockout::Lockout::default();
        assert!(!attempt(&shared, "ada", PASSWORD, 5_001));
    }

    #[test]
    fn an_old_hash_is_made_anew_and_a_locked_user_stays_out() {
        let shared = house(1_000);
        assert!(attempt(&shared, "ada", PASSWORD, 100));
        let found = users::find(&shared.store, "ada").expect("is read");
        assert_eq!(found.rounds, ROUNDS);
        users::set_locked(&shared.store, "ada", true).expect("is locked");
        assert!(sessions::all(&shared.store).expect("are read").is_empty());
        assert!(!attempt(&shared, "ada", PASSWORD, 200));
        users::set_locked(&shared.store, "ada", false).expect("is unlocked");
        shared.lockout().clear("ada");
        assert!(attempt(&shared, "ada", PASSWORD, 300));
        let hash = Hash::of_rounds("another password", 1_000)
            .expect("is made")
            .to_string();
        users::set_password(&shared.store, "ada", &hash).expect("is set");
        assert!(sessions::all(&shared.store).expect("are read").is_empty());
        assert!(
            !attempt(&shared, "ada", PASSWORD, 400)
                && attempt(&shared, "ada", "another password", 400)
        );
    }

    #[test]
    fn a_password_that_was_changed_meanwhile_begins_no_session() {
        let shared = house(1_000);
        let found = users::find(&shared.store, "ada").expect("is read");
        let (user, hash, _) = found.user.expect("is there");
        let session = || Session::begin(user.id, [127, 0, 0, 1].into(), [0; 32], 1);
        let begin = |hash: &Hash| {
            let (session, _) = session().expect("begins");
            sessions::begin(&shared.store, &session, None, (hash, None)).expect("is written")
        };
        assert!(begin(&hash));
        let other = Hash::of_rounds("another password", 1_000).expect("is made");
        users::set_password(&shared.store, "ada", &other.to_string()).expect("is set");
        assert!(!begin(&hash) && begin(&other));
        users::set_locked(&shared.store, "ada", true).expect("is locked");
        assert!(!begin(&other));
    }

    #[test]
    fn whom_we_know_takes_no_longer_than_whom_we_do_not() {
        let shared = house(20_000);
        // This thread's own work: what else the machine does is no part of it.
        let worked = || {
            let now = clock_gettime(ClockId::ThreadCPUTime);
            now.tv_sec * 1_000_000_000 + now.tv_nsec
        };
        let time = |name: &str, number: u64| {
            let start = worked();
            // Each at a time of its own, so that neither is locked.
            assert!(!attempt_unkept(&shared, name, number));
            worked() - start
        };
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for number in 0..300 {
            known.push(time("ada", number));
            unknown.push(time("bob", number));
        }
        known.sort_unstable();
        unknown.sort_unstable();
        let (known, unknown) = (known[150] as f64, unknown[150] as f64);
        assert!(
            (known / unknown - 1.0).abs() < 0.05,
            "{known} against {unknown}"
        );
    }

    /// A wrong try, up to the answer.
    fn attempt_unkept(shared: &Identities, name: &str, number: u64) -> bool {
        let who = Try {
            name: name.to_owned(),
            password: Zeroizing::new("wrong password".to_owned()),
            browser: Browser {
                address: [127, 0, 0, 1].into(),
                agent: [0; 32],
            },
            before: None,
        };
        let checked = check(shared, &who, 1_000 + number).expect("is checked");
        matches!(checked, Checked::Right(..))
    }
}
