//! Keeper: the actor that opens and seals. It holds the keys; doors hold its address.

use actix::prelude::*;
use hub_actors::{
    db_sync::Place,
    envelope::Envelope,
    protocol::{CryptoUp, Heartbeat, Seal, Unseal, UnsealError},
    supervise::{Link, spawn_linked},
};

use super::{
    cipher::{Purpose, open, seal},
    keys::{Keyring, Master},
    now,
    opened::{Opened, Verdict},
};

/// How far a sender's clock may be from ours, in seconds.
pub const WINDOW: u64 = 60;

/// What the Guardian knows of it.
#[derive(Clone)]
pub struct CryptoSpec {
    /// The keys, of all its lives.
    pub keyring: Keyring,
    /// Where opened envelopes are remembered.
    pub record: Place,
    /// When the hub started, in seconds since 1970. What is older was for the hub before it.
    pub boot: u64,
}

/// A started keeper.
pub struct Started {
    /// Its thread: the kill switch.
    pub arbiter: Arbiter,
    /// Where it is asked whether it still turns its loop.
    pub heartbeat: Recipient<Heartbeat>,
    /// What it can be asked for.
    pub up: CryptoUp,
}

/// The actor.
struct Keeper {
    keyring: Keyring,
    boot: u64,
    /// None if there is no record to be had: then nothing is opened.
    opened: Option<Opened>,
}

/// Starts its next life.
pub fn start(spec: &CryptoSpec, link: Link) -> Started {
    let spec = spec.clone();
    let (arbiter, address) = spawn_linked(link, move || Keeper {
        opened: Opened::at(&spec.record).ok(),
        keyring: spec.keyring,
        boot: spec.boot,
    });
    Started {
        arbiter,
        heartbeat: address.clone().recipient(),
        up: CryptoUp {
            unseals: address.clone().recipient(),
            seals: address.recipient(),
        },
    }
}

// === impl Keeper ===

impl Keeper {
    /// Does `work` with the master key, at once if it is there. Without one nothing is answered.
    fn with_master(
        &mut self,
        ctx: &mut Context<Self>,
        work: impl FnOnce(&mut Self, &Master) + 'static,
    ) {
        if let Some(master) = self.keyring.get() {
            return work(self, &master);
        }
        let keyring = self.keyring.clone();
        let stretched = async move { keyring.stretched().await };
        ctx.spawn(stretched.into_actor(self).map(|master, keeper, _| {
            if let Ok(master) = master {
                work(keeper, &master);
            }
        }));
    }

    fn unseal(
        &mut self,
        master: &Master,
        (method, path): (&str, &str),
        envelope: Envelope,
        now: u64,
    ) -> Result<Vec<u8>, UnsealError> {
        let (kid, id, ts) = (envelope.kid.clone(), envelope.id.clone(), envelope.ts);
        if now.abs_diff(ts) > WINDOW {
            return Err(UnsealError::Refused);
        }
        let context = Purpose {
            method,
            path,
            answers: None,
        };
        let text = master
            .client(&kid)
            .and_then(|key| open(&key, context, envelope));
        let text = text.map_err(|_| UnsealError::Refused)?;
        let opened = self.opened.as_mut().ok_or(UnsealError::Full)?;
        if ts < self.boot {
            return Err(match opened.knows(&kid, &id) {
                true => UnsealError::Replayed,
                false => UnsealError::Refused,
            });
        }
        match opened.remember(&kid, &id, ts, now) {
            Verdict::New => Ok(text),
            Verdict::Known => Err(UnsealError::Replayed),
            Verdict::Full => Err(UnsealError::Full),
        }
    }
}

impl Actor for Keeper {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // The first caller need not wait for it.
        self.with_master(ctx, |_, _| ());
    }
}

impl Handler<Unseal> for Keeper {
    type Result = ();

    fn handle(&mut self, unseal: Unseal, ctx: &mut Self::Context) {
        self.with_master(ctx, move |keeper, master| {
            let Unseal {
                method,
                path,
                envelope,
                reply,
            } = unseal;
            if !reply.is_closed() {
                // A caller who has gone meanwhile has an opened envelope, and no answer.
                let _ = reply.send(keeper.unseal(master, (method, path), envelope, now()));
            }
        });
    }
}

impl Handler<Seal> for Keeper {
    type Result = ();

    fn handle(&mut self, message: Seal, ctx: &mut Self::Context) {
        self.with_master(ctx, move |_, master| {
            let purpose = Purpose {
                method: message.method,
                path: message.path,
                answers: Some(&message.answers),
            };
            let about = (message.kid.as_str(), now(), message.id.as_str());
            let key = master.client(&message.kid);
            if let Ok(envelope) = key.and_then(|key| seal(&key, purpose, about, message.text)) {
                // The caller may be gone.
                let _ = message.reply.send(envelope);
            }
        });
    }
}

impl Handler<Heartbeat> for Keeper {
    type Result = ();

    fn handle(&mut self, _: Heartbeat, _: &mut Self::Context) {}
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use zeroize::Zeroizing;

    use super::*;
    use crate::crypto::{ClientKey, CryptoError};

    const BOOT: u64 = 1_700_000_000;
    const ROUTE: (&str, &str) = ("POST", "/crypto");
    const PURPOSE: Purpose<'_> = Purpose {
        method: "POST",
        path: "/crypto",
        answers: None,
    };

    fn keeper() -> (Keeper, Master) {
        let stretch: crate::vault::Stretch = Arc::new(|| Zeroizing::new([7; 32]));
        let master = Master::new(&stretch);
        let keeper = Keeper {
            keyring: Keyring::new(stretch),
            boot: BOOT,
            opened: Opened::at(&Place::Memory).ok(),
        };
        (keeper, master)
    }

    fn sealed(master: &Master, id: &str, ts: u64) -> Envelope {
        let key = master.client("anyone").expect("is derived");
        seal(&key, PURPOSE, ("anyone", ts, id), b"text".to_vec()).expect("is sealed")
    }

    #[test]
    fn the_window_is_a_minute_each_way_and_nothing_is_older_than_the_hub() {
        let (mut keeper, master) = keeper();
        let now = BOOT + 1_000;
        let mut at = |ts: u64, now: u64| {
            let envelope = sealed(&master, &format!("{ts:016}-{now}"), ts);
            keeper.unseal(&master, ROUTE, envelope, now).is_ok()
        };
        assert!(at(now - 60, now) && at(now, now) && at(now + 60, now));
        assert!(!at(now - 61, now) && !at(now + 61, now) && !at(u64::MAX, now));
        assert!(at(BOOT, BOOT + 1) && !at(BOOT - 1, BOOT + 1));
    }

    #[test]
    fn a_replay_is_known_as_one_by_the_next_hub_too() {
        let (mut keeper, master) = keeper();
        let envelope = sealed(&master, "0123456789abcdef", BOOT + 5);
        let mut open = |envelope: &Envelope, boot: u64| {
            keeper.boot = boot;
            keeper.unseal(&master, ROUTE, envelope.clone(), BOOT + 6)
        };
        assert_eq!(open(&envelope, BOOT), Ok(b"text".to_vec()));
        assert_eq!(open(&envelope, BOOT), Err(UnsealError::Replayed));
        assert_eq!(open(&envelope, BOOT + 6), Err(UnsealError::Replayed));
        let missed = sealed(&master, "fedcba9876543210", BOOT + 5);
        assert_eq!(open(&missed, BOOT + 6), Err(UnsealError::Refused));
        // What was refused is not remembered as opened.
        assert_eq!(open(&missed, BOOT), Ok(b"text".to_vec()));
    }

    #[test]
    fn an_envelope_is_for_one_key_route_and_direction() {
        let (mut keeper, master) = keeper();
        let envelope = sealed(&master, "0123456789abcdef", BOOT);
        let mut refused = |envelope: Envelope, route| {
            keeper.unseal(&master, route, envelope, BOOT) == Err(UnsealError::Refused)
        };
        assert!(refused(envelope.clone(), ("GET", "/crypto")));
        assert!(refused(envelope.clone(), ("POST", "/api")));
        let mut other = envelope.clone();
        other.kid = "somebody".to_owned();
        assert!(refused(other, ROUTE));
        let key = master.client("anyone").expect("is derived");
        let answer = Purpose {
            answers: Some("0123456789abcdef"),
            ..PURPOSE
        };
        let about = ("anyone", BOOT, "0123456789abcdef");
        let answer = seal(&key, answer, about, b"text".to_vec()).expect("is sealed");
        assert!(refused(answer, ROUTE), "an answer is no request");
        let none = Keeper {
            opened: None,
            ..keeper
        }
        .unseal(&master, ROUTE, envelope, BOOT);
        assert_eq!(
            none,
            Err(UnsealError::Full),
            "without a record, nothing is opened"
        );
    }

    #[test]
    fn an_answer_is_to_one_request() {
        let (_, master) = keeper();
        let key = master.client("anyone").expect("is derived");
        let to = |id: &'static str| Purpose {
            answers: Some(id),
            ..PURPOSE
        };
        let sealed = seal(&key, to("one"), ("anyone", BOOT, "id"), b"text".to_vec());
        let sealed = sealed.expect("is sealed");
        assert_eq!(open(&key, to("two"), sealed.clone()), Err(CryptoError));
        assert_eq!(open(&key, to("one"), sealed), Ok(b"text".to_vec()));
        let copy = ClientKey::parse(&key.hexadecimal()).expect("is a key");
        assert_eq!(*copy.hexadecimal(), *key.hexadecimal());
    }
}
