//! Sessions: how many there may be, and for how long. rmcp keeps them; it knows no limit.
//!
//! Anyone may send `initialize`, so a session that is never used again is closed after seconds, and
//! when all places are taken, one that has been idle for a while makes room for a new client.

use std::{
    collections::HashMap,
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::Stream;
use rmcp::{
    model::{ClientJsonRpcMessage, ServerJsonRpcMessage},
    transport::streamable_http_server::session::{
        ServerSseMessage, SessionId, SessionManager,
        local::{LocalSessionManager, LocalSessionManagerError},
    },
};
use tokio::{
    sync::{Mutex, watch},
    time::Instant,
};

use super::held;
use crate::principal::Principal;

/// Most sessions at a time. One takes about 60 KiB.
const MOST: usize = 500;
/// A session that only initialized is closed after this.
const ABANDONED: Duration = Duration::from_secs(10);
/// A session that nobody has used for this long makes room if room is needed.
const IDLE: Duration = Duration::from_secs(60);
/// A session that nobody has used for this long is closed. Clients that work all day pause for long,
/// and many never initialize again.
const FORGOTTEN: Duration = Duration::from_secs(60 * 60);

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum SessionsError {
    /// All places are taken.
    #[error("there are as many sessions as there may be")]
    Full,
    /// rmcp's own reason.
    #[error("the session cannot be used")]
    Local(#[from] LocalSessionManagerError),
}

/// rmcp's sessions, limited.
pub struct Sessions {
    local: LocalSessionManager,
    known: Mutex<HashMap<SessionId, Use>>,
    reserved: AtomicUsize,
    this: Weak<Self>,
}

/// A place for one session, while it is being made.
pub struct Reservation(Arc<Sessions>);

struct Use {
    /// Who opened it; nobody yet while it is being opened.
    owner: Option<Arc<str>>,
    last: Instant,
    /// Somebody came back after initializing.
    returned: bool,
    /// Dropped with the session: its calls end at once, not when rmcp has lost its patience.
    alive: watch::Sender<()>,
}

// === impl Sessions ===

impl Sessions {
    /// No sessions yet.
    pub fn new() -> Arc<Self> {
        let mut local = LocalSessionManager::default();
        local.session_config.keep_alive = Some(FORGOTTEN);
        Arc::new_cyclic(|this| Self {
            local,
            known: Mutex::default(),
            reserved: AtomicUsize::new(0),
            this: this.clone(),
        })
    }

    /// A place for a new session; `None` if all are taken by clients that use theirs.
    pub async fn reserve(self: &Arc<Self>) -> Option<Reservation> {
        let mut known = self.known.lock().await;
        if known.len() + self.reserved.load(Ordering::SeqCst) >= MOST {
            let now = Instant::now();
            let idle = known
                .iter()
                .filter(|(_, used)| now.duration_since(used.last) >= IDLE)
                .min_by_key(|(_, used)| used.last)
                .map(|(id, _)| id.clone())?;
            known.remove(&idle);
            let place = self.take();
            drop(known);
            self.close(&idle).await;
            return Some(place);
        }
        Some(self.take())
    }

    /// Takes a place. Only under the lock of `known`, or two take the same.
    fn take(self: &Arc<Self>) -> Reservation {
        self.reserved.fetch_add(1, Ordering::SeqCst);
        Reservation(self.clone())
    }

    /// Makes a session that was just opened its principal's own. It ends when their key is revoked.
    pub async fn claim(self: &Arc<Self>, id: &str, principal: &Principal) {
        let mut known = self.known.lock().await;
        let Some(used) = known.get_mut(id).filter(|used| used.owner.is_none()) else {
            return;
        };
        used.owner = Some(principal.id.clone());
        let (over, ended) = (principal.account.over(), used.alive.subscribe());
        let (sessions, id) = (self.this.clone(), SessionId::from(id));
        tokio::spawn(async move {
            tokio::select! {
                () = held::end(Some(ended)) => return,
                () = over => {}
            }
            if let Some(sessions) = sessions.upgrade() {
                drop(sessions.close_session(&id).await);
            }
        });
    }

    /// Whether a session is somebody else's.
    pub async fn is_foreign(&self, id: &str, principal: &Principal) -> bool {
        let known = self.known.lock().await;
        let used = known.get(id);
        used.is_some_and(|used| used.owner.as_ref() != Some(&principal.id))
    }

    /// What ends when the session does; `None` if there is no such session.
    pub async fn watch(&self, id: &str) -> Option<watch::Receiver<()>> {
        let known = self.known.lock().await;
        Some(known.get(id)?.alive.subscribe())
    }

    async fn touch(&self, id: &SessionId) {
        if let Some(used) = self.known.lock().await.get_mut(id) {
            used.last = Instant::now();
            used.returned = true;
        }
    }

    async fn close(&self, id: &SessionId) {
        if let Err(error) = self.local.close_session(id).await {
            tracing::debug!(%error, "the session does not close");
        }
    }

    /// Closes a session that nobody has come back to.
    async fn reap(this: Weak<Self>, id: SessionId) {
        tokio::time::sleep(ABANDONED).await;
        let Some(sessions) = this.upgrade() else {
            return;
        };
        let mut known = sessions.known.lock().await;
        if known.get(&id).is_some_and(|used| !used.returned) {
            known.remove(&id);
            drop(known);
            sessions.close(&id).await;
        }
    }
}

impl SessionManager for Sessions {
    type Error = SessionsError;
    type Transport = <LocalSessionManager as SessionManager>::Transport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), Self::Error> {
        let mut known = self.known.lock().await;
        // The door keeps a place first; whoever got round it goes no further than this.
        if known.len() >= MOST {
            return Err(SessionsError::Full);
        }
        let (id, transport) = self.local.create_session().await?;
        let used = Use {
            owner: None,
            last: Instant::now(),
            returned: false,
            alive: watch::Sender::default(),
        };
        known.insert(id.clone(), used);
        drop(known);
        tokio::spawn(Self::reap(self.this.clone(), id.clone()));
        Ok((id, transport))
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, Self::Error> {
        Ok(self.local.initialize_session(id, message).await?)
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, Self::Error> {
        self.touch(id).await;
        Ok(self.local.has_session(id).await?)
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), Self::Error> {
        self.known.lock().await.remove(id);
        Ok(self.local.close_session(id).await?)
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        Ok(self.local.create_stream(id, message).await?)
    }

    async fn accept_message(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<(), Self::Error> {
        Ok(self.local.accept_message(id, message).await?)
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        Ok(self.local.create_standalone_stream(id).await?)
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        Ok(self.local.resume(id, last_event_id).await?)
    }
}

// === impl Reservation ===

impl Drop for Reservation {
    fn drop(&mut self) {
        self.0.reserved.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::{join, join_all};

    use super::*;

    #[tokio::test]
    async fn two_who_need_room_at_once_do_not_get_the_same_place() {
        let sessions = Sessions::new();
        let mut transports = Vec::new();
        for _ in 0..MOST {
            let (id, transport) = sessions.create_session().await.unwrap();
            sessions.touch(&id).await;
            transports.push(transport);
        }
        assert!(sessions.reserve().await.is_none(), "all are in use");
        for used in sessions.known.lock().await.values_mut() {
            used.last = used.last.checked_sub(IDLE).unwrap();
        }
        // Closing takes a moment, in which the others come.
        let closing = sessions.local.sessions.read().await;
        let reserve = join_all((0..5).map(|_| sessions.reserve()));
        let (places, ()) = join(reserve, async { drop(closing) }).await;
        let taken = places.iter().flatten().count();
        assert_eq!(taken, 5);
        let known = sessions.known.lock().await.len();
        assert_eq!(known + taken, MOST);
    }
}
