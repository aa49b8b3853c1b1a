//! Server-sent events: the state of the studio, and the loss curves of the run.

use crate::cli::paint::report::Point;
use crate::cli::studio::studio::Studio;
use crate::objective::Losses;
use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::stream::{self, Stream};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// The shortest time between two states.
const PAUSE: Duration = Duration::from_millis(400);

/// What one tab is sent.
struct Tab {
    studio: Arc<Studio>,
    changes: watch::Receiver<u64>,
    /// The version of the history that was sent.
    history: u64,
    /// When the next state may be sent.
    next: Instant,
    /// The loss curves that follow the state.
    losses: Option<Event>,
}

/// The state now, and whenever it changes, each time with the loss curves of the run.
pub async fn events(
    State(studio): State<Arc<Studio>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut changes = studio.subscribe();
    changes.mark_changed();
    let tab = Tab {
        studio,
        changes,
        history: 0,
        next: Instant::now(),
        losses: None,
    };
    let events = stream::unfold(tab, |mut tab| async {
        if let Some(losses) = tab.losses.take() {
            return Some((Ok(losses), tab));
        }
        tokio::time::sleep_until(tab.next).await;
        tab.changes.changed().await.ok()?;
        tab.next = Instant::now() + PAUSE;
        Some((Ok(tab.look()?), tab))
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}

fn event(name: &str, value: &Value) -> Event {
    Event::default().event(name).data(value.to_string())
}

impl Tab {
    /// The state; `None` if the studio ends.
    fn look(&mut self) -> Option<Event> {
        let studio = &self.studio;
        let board = studio.board();
        if board.ending {
            return None;
        }
        self.losses = board.run.as_ref().map(|run| {
            let points = run.losses.points().map(|Point { iteration, losses }| {
                let Losses { content, style, tv } = losses;
                json!([iteration, losses.total(), content, style, tv])
            });
            let points: Vec<_> = points.collect();
            event(
                "losses",
                &json!({ "run": run.job.id, "from": 0, "points": points }),
            )
        });
        let folder = studio.folder.path().display().to_string();
        let known = std::mem::replace(&mut self.history, board.history_version);
        let known = known == board.history_version;
        Some(event(
            "state",
            &board.view(&studio.pictures, &folder, known),
        ))
    }
}
