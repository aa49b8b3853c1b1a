//! What the page asks for, one function for each request.

use crate::cli::studio::board::{Board, Frame, Wish};
use crate::cli::studio::desk::Desk;
use crate::cli::studio::examples::EXAMPLES;
use crate::cli::studio::folder::write;
use crate::cli::studio::jpeg::smaller;
use crate::cli::studio::options;
use crate::cli::studio::pictures::{Kind, MAX_BYTES, PictureId, PictureInfo};
use crate::cli::studio::refusal::Refusal;
use crate::cli::studio::studio::Studio;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The long edge of the small pictures of paintings.
const THUMB_EDGE: u32 = 320;
/// How long a picture may take to arrive.
const UPLOAD_TIME: Duration = Duration::from_secs(120);

type Asked<T> = Result<T, Refusal>;
type Shared = State<Arc<Studio>>;

#[derive(Deserialize)]
pub struct Number {
    id: u64,
}

#[derive(Deserialize)]
pub struct Name {
    id: String,
}

#[derive(Deserialize)]
pub struct NumberAndFile {
    id: u64,
    file: String,
}

#[derive(Deserialize)]
pub struct Upload {
    name: String,
    kind: Kind,
}

#[derive(Deserialize)]
pub struct DeskChange {
    revision: u64,
    #[serde(flatten)]
    desk: Desk,
}

#[derive(Deserialize)]
pub struct Order {
    order: Vec<u64>,
}

/// Does something that takes a while beside the server's thread.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> Asked<T> + Send + 'static) -> Asked<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Refusal::internal(error.into())))
}

/// A body in JSON, or what is wrong with it.
fn json<T>(body: Result<Json<T>, JsonRejection>) -> Asked<T> {
    let Json(value) = body.map_err(|error| Refusal::new(error.status(), error.body_text()))?;
    Ok(value)
}

fn jpeg(bytes: impl Into<Bytes>) -> Response {
    ([(header::CONTENT_TYPE, "image/jpeg")], bytes.into()).into_response()
}

pub async fn options() -> Json<Value> {
    Json(options::options())
}

pub async fn set_desk(
    State(studio): Shared,
    body: Result<Json<DeskChange>, JsonRejection>,
) -> Asked<Json<Value>> {
    let DeskChange { revision, desk } = json(body)?;
    beside(move || {
        studio.set_desk(desk, Some(revision))?;
        Ok(Json(json!(studio.board().desk_view(&studio.pictures))))
    })
    .await
}

/// Stores a picture. Only two arrive at a time, so that their bytes do not fill the memory.
pub async fn add_picture(
    State(studio): Shared,
    Query(Upload { name, kind }): Query<Upload>,
    request: Request,
) -> Asked<(StatusCode, Json<PictureInfo>)> {
    let too_large = || {
        let error = format!(
            "{name}: the file is larger than {} MB; make it smaller first",
            MAX_BYTES >> 20
        );
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, error)
    };
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > MAX_BYTES) {
        return Err(too_large());
    }
    let turn = studio.uploads.clone().acquire_owned().await;
    let bytes = axum::body::to_bytes(request.into_body(), MAX_BYTES);
    let bytes = tokio::time::timeout(UPLOAD_TIME, bytes).await;
    let bytes = bytes.map_err(|_| {
        Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            "the picture took too long to arrive",
        )
    })?;
    let bytes = bytes.map_err(|_| too_large())?;
    let work = move || {
        let _turn = turn; // until it is decoded, whether the page still waits or not
        studio.pictures.add(&bytes, &name, kind)
    };
    let info = beside(work).await?;
    Ok((StatusCode::CREATED, Json(info)))
}

pub async fn add_example(
    State(studio): Shared,
    Path(Name { id }): Path<Name>,
) -> Asked<Json<PictureInfo>> {
    let known = EXAMPLES
        .iter()
        .find(|example| example.file.strip_suffix(".jpg") == Some(&*id));
    let example = known.ok_or_else(|| Refusal::missing("this example"))?;
    beside(move || {
        studio
            .pictures
            .add(example.bytes, example.file, Kind::Picture)
    })
    .await
    .map(Json)
}

/// What a picture's name stands for does not change.
const FOR_EVER: (HeaderName, &str) = (
    header::CACHE_CONTROL,
    "private, max-age=31536000, immutable",
);

/// A file of a picture, with its type.
async fn stored(
    id: String,
    file: impl FnOnce(PictureId) -> Asked<(PathBuf, &'static str)> + Send + 'static,
) -> Asked<Response> {
    let id: PictureId = id.parse().map_err(|_| Refusal::missing("this picture"))?;
    beside(move || {
        let (path, kind) = file(id)?;
        let bytes = std::fs::read(path).map_err(|_| Refusal::missing("this picture"))?;
        Ok(([(header::CONTENT_TYPE, kind), FOR_EVER], bytes).into_response())
    })
    .await
}

pub async fn picture(State(studio): Shared, Path(Name { id }): Path<Name>) -> Asked<Response> {
    stored(id, move |id| studio.pictures.preview(id)).await
}

/// A mask as it was painted.
pub async fn mask(State(studio): Shared, Path(Name { id }): Path<Name>) -> Asked<Response> {
    stored(id, move |id| studio.pictures.original(id)).await
}

/// The frame that `find` finds on the board; nothing if something newer has taken its place, which the page will hear of.
fn frame(studio: &Studio, find: impl Fn(&Board) -> Option<&Frame>) -> Response {
    let board = studio.board();
    match find(&board).filter(|frame| frame.number > 0) {
        Some(frame) => jpeg(frame.jpeg.clone()),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}

pub async fn sketch_frame(
    State(studio): Shared,
    Path(NumberAndFile { id, .. }): Path<NumberAndFile>,
) -> Response {
    frame(&studio, |board| {
        let sketch = board.sketch.as_ref().filter(|sketch| sketch.id == id);
        sketch.map(|sketch| &sketch.frame)
    })
}

pub async fn variant_frame(
    State(studio): Shared,
    Path(NumberAndFile { id, .. }): Path<NumberAndFile>,
) -> Response {
    frame(&studio, |board| {
        let variant = board.variants.iter().find(|variant| variant.id == id);
        variant.map(|variant| &variant.frame)
    })
}

pub async fn run_frame(
    State(studio): Shared,
    Path(NumberAndFile { id, .. }): Path<NumberAndFile>,
) -> Response {
    frame(&studio, |board| {
        let run = board.run.as_ref().filter(|run| run.job.id == id);
        run.map(|run| &run.frame)
    })
}

pub async fn wish(
    State(studio): Shared,
    Path(NumberAndFile { id, file }): Path<NumberAndFile>,
) -> Asked<StatusCode> {
    let wish = match &*file {
        "pause" => Wish::Pause,
        "continue" => Wish::Continue,
        "stop" => Wish::Stop,
        "discard" => Wish::Discard,
        _ => return Err(Refusal::missing("this request")),
    };
    studio.wish(id, wish)?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn vary(State(studio): Shared) -> Asked<StatusCode> {
    studio.vary()?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn take(State(studio): Shared, Path(Number { id }): Path<Number>) -> Asked<StatusCode> {
    beside(move || studio.take(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn clear_variants(State(studio): Shared) -> StatusCode {
    studio.clear_variants();
    StatusCode::NO_CONTENT
}

pub async fn paint(State(studio): Shared) -> Asked<(StatusCode, Json<Value>)> {
    let id = beside(move || studio.paint()).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": id }))))
}

pub async fn order(
    State(studio): Shared,
    body: Result<Json<Order>, JsonRejection>,
) -> Asked<StatusCode> {
    let Order { order } = json(body)?;
    beside(move || studio.order(&order)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn dequeue(
    State(studio): Shared,
    Path(Number { id }): Path<Number>,
) -> Asked<StatusCode> {
    beside(move || studio.dequeue(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A small picture of a painting. It is made once.
pub async fn thumb(State(studio): Shared, Path(Name { id }): Path<Name>) -> Asked<Response> {
    let painted = studio.painted(&id)?;
    beside(move || {
        let path = studio.folder.thumb(&painted.id, painted.time);
        if let Ok(small) = std::fs::read(&path) {
            return Ok(jpeg(small));
        }
        let bytes = std::fs::read(&painted.path).map_err(|_| Refusal::missing("this painting"))?;
        let too_large = || Refusal::invalid("the painting is too large for a small picture of it");
        let small = smaller(&bytes, THUMB_EDGE).ok_or_else(too_large)?;
        let _ = write(&path, &small); // it can be made again
        Ok(jpeg(small))
    })
    .await
}

pub async fn full(State(studio): Shared, Path(Name { id }): Path<Name>) -> Asked<Response> {
    let painted = studio.painted(&id)?;
    beside(move || {
        let bytes = std::fs::read(&painted.path).map_err(|_| Refusal::missing("this painting"))?;
        Ok(([(header::CONTENT_TYPE, "image/png")], bytes).into_response())
    })
    .await
}

pub async fn reopen(State(studio): Shared, Path(Name { id }): Path<Name>) -> Asked<StatusCode> {
    beside(move || studio.reopen(&id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn again(
    State(studio): Shared,
    Path(Name { id }): Path<Name>,
) -> Asked<(StatusCode, Json<Value>)> {
    let id = beside(move || studio.again(&id)).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": id }))))
}

pub async fn delete_painting(
    State(studio): Shared,
    Path(Name { id }): Path<Name>,
) -> Asked<StatusCode> {
    beside(move || studio.delete(&id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn dismiss(State(studio): Shared) -> StatusCode {
    studio.board().notice = None;
    studio.changed();
    StatusCode::NO_CONTENT
}
