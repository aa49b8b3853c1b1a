//! Server-sent events: the state of the studio, and the loss curves of the run.

use crate::cli::studio::studio::Studio;
use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::stream::{self, Stream};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The shortest time between two states.
const PAUSE: Duration = Duration::from_millis(200);

/// What one tab was sent.
struct Tab {
    studio: Arc<Studio>,
    changes: watch::Receiver<u64>,
    /// Of which run, how often its points were thinned out, and how many of them were sent.
    losses: (u64, u64, usize),
    waiting: Option<Event>,
}

/// The state now, and whenever it changes.
pub async fn events(
    State(studio): State<Arc<Studio>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut changes = studio.subscribe();
    changes.mark_changed();
    let tab = Tab {
        studio,
        changes,
        losses: (0, 0, 0),
        waiting: None,
    };
    let events = stream::unfold(tab, |mut tab| async {
        if let Some(event) = tab.waiting.take() {
            tokio::time::sleep(PAUSE).await;
            return Some((Ok(event), tab));
        }
        tab.changes.changed().await.ok()?;
        let (state, losses) = tab.look()?;
        tab.waiting = losses.map(|losses| event("losses", &losses));
        if tab.waiting.is_none() {
            tokio::time::sleep(PAUSE).await;
        }
        Some((Ok(event("state", &state)), tab))
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}

fn event(name: &str, value: &Value) -> Event {
    Event::default().event(name).data(value.to_string())
}

impl Tab {
    /// The state, and the points of the loss curves that were not sent yet; `None` if the studio ends.
    fn look(&mut self) -> Option<(Value, Option<Value>)> {
        let studio = &self.studio;
        let board = studio.board();
        if board.ending {
            return None;
        }
        let folder = studio.folder.path().display().to_string();
        let state = board.view(&studio.pictures, &folder);
        let losses = board.run.as_ref().and_then(|run| {
            let now = (run.job.id, run.curves.generation);
            let known = (self.losses.0, self.losses.1) == now;
            let from = if known { self.losses.2 } else { 0 };
            let points = &run.curves.points;
            self.losses = (now.0, now.1, points.len());
            (points.len() > from)
                .then(|| json!({ "run": now.0, "from": from, "points": points[from..] }))
        });
        Some((state, losses))
    }
}
