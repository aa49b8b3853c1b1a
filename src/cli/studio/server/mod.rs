//! The server: what the page asks for by HTTP. `guard` decides who is answered.

mod events;
mod guard;
mod page;
mod requests;

pub use guard::Guard;

use super::studio::Studio;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{delete, get, post, put};
use axum::{Extension, Router};
use std::future::{Future, IntoFuture};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// The longest body of requests that are not pictures, in bytes.
const MAX_JSON: usize = 1 << 20;

/// How long answers may take when the studio ends.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// All addresses. They begin with the token, which the guard checks.
fn router(studio: Arc<Studio>, guard: Arc<Guard>) -> Router {
    use requests as ask;
    let at = |path: &str| format!("/{{token}}/{path}");
    Router::new()
        .route(&at("pictures"), post(ask::add_picture))
        .route(&at(""), get(page::index))
        .route(&at("{file}"), get(page::file))
        .route(&at("preset/{file}"), get(page::preset))
        .route(&at("example/{file}"), get(page::example))
        .route(&at("events"), get(events::events))
        .route(&at("options"), get(ask::options))
        .route(&at("desk"), put(ask::set_desk))
        .route(&at("examples/{id}"), post(ask::add_example))
        .route(&at("picture/{id}"), get(ask::picture))
        .route(&at("mask/{id}"), get(ask::mask))
        .route(&at("sketch/{id}/{file}"), get(ask::sketch_frame))
        .route(&at("vary"), post(ask::vary))
        .route(&at("vary/clear"), post(ask::clear_variants))
        .route(&at("variant/{id}/take"), post(ask::take))
        .route(&at("variant/{id}/{file}"), get(ask::variant_frame))
        .route(&at("paint"), post(ask::paint))
        .route(&at("run/{id}/{file}"), get(ask::run_frame).post(ask::wish))
        .route(&at("queue"), post(ask::order))
        .route(&at("queue/{id}"), delete(ask::dequeue))
        .route(&at("painting/{id}"), delete(ask::delete_painting))
        .route(&at("painting/{id}/thumb.jpg"), get(ask::thumb))
        .route(&at("painting/{id}/full.png"), get(ask::full))
        .route(&at("painting/{id}/open"), post(ask::reopen))
        .route(&at("painting/{id}/again"), post(ask::again))
        .route(&at("notice/dismiss"), post(ask::dismiss))
        .route("/", get(guard::door).post(guard::enter))
        .layer(DefaultBodyLimit::max(MAX_JSON))
        .layer(middleware::from_fn_with_state(guard.clone(), guard::check))
        .layer(Extension(guard))
        .with_state(studio)
}

/// Answers until `end` is there.
///
/// # Errors
/// If the system does not let it.
pub async fn serve(
    listener: TcpListener,
    studio: Arc<Studio>,
    guard: Arc<Guard>,
    end: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (ends, ended) = tokio::sync::oneshot::channel();
    let end = async {
        end.await;
        let _ = ends.send(());
    };
    let served = axum::serve(listener, router(studio, guard)).with_graceful_shutdown(end);
    // Who has not got an answer by then will get none.
    let late = async {
        let _ = ended.await;
        tokio::time::sleep(LAST_ANSWERS).await;
    };
    tokio::select! {
        served = served.into_future() => served,
        () = late => Ok(()),
    }
}
