//! `impasto studio`: a page on the user's own machine, where pictures are chosen, masks painted and paintings watched.
//!
//! The page sees a `board` and asks the `studio` to change it. Two threads work: the `sketcher` paints small what is on the desk, the
//! `easel` paints what waits. What the page may set is a recipe, and what it gets is what `impasto stylize` paints. `server` answers the page,
//! whose files are in `page/`.

mod board;
mod desk;
mod easel;
mod examples;
mod folder;
mod gallery;
mod history;
mod jobs;
mod jpeg;
mod options;
mod pictures;
mod refusal;
mod server;
mod sketcher;
mod small;
mod speed;
#[allow(
    clippy::module_inception,
    reason = "it is the studio, and this is its command"
)]
mod studio;
mod variants;

use super::args::{MemoryArgs, NetworkOptions};
use super::paint::Painter;
use super::paint::interrupt::{EXIT_CODE, Interrupt};
use super::paint::paths::canonical;
use super::terminal::say;
use anyhow::{Context, anyhow};
use clap::Args;
use desk::{Desk, DeskPainting};
use examples::{EXAMPLES, FIRST};
use folder::Folder;
use pictures::Kind;
use refusal::Refusal;
use server::Guard;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use studio::Studio;
use tokio::net::TcpListener;

/// The port that is used if it is free and none is named.
const PORT: u16 = 8737;

/// Open a page in the browser: choose pictures, paint masks, try looks, and watch the picture develop
///
/// Everything stays on this machine. Paintings are written to a folder of yours, as PNGs that hold their settings. Ctrl-C ends the studio;
/// the next start goes on where it was.
#[derive(Args)]
pub struct StudioCommand {
    /// A photograph to begin with
    photo: Option<PathBuf>,

    /// Paintings to begin with
    paintings: Vec<PathBuf>,

    /// The port of the page's address [default: 8737, or any if that is taken]
    #[arg(long, value_name = "N")]
    port: Option<u16>,

    /// Only print the address, and do not open the browser
    #[arg(long)]
    no_open: bool,

    /// The folder for paintings [default: impasto in your folder for pictures]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,

    /// Let other machines see the page too, at this address of this machine. They are asked for a password, which is printed
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<IpAddr>,

    #[command(flatten)]
    network: NetworkOptions,

    #[command(flatten)]
    memory: MemoryArgs,
}

impl StudioCommand {
    /// Serves the page until Ctrl-C.
    ///
    /// # Errors
    /// What went wrong, for the user.
    pub fn run(mut self, built_in: Option<&'static [u8]>) -> anyhow::Result<ExitCode> {
        let folder = match &self.folder {
            Some(folder) => folder.clone(),
            None => default_folder()?,
        };
        self.network.machine.engine()?;
        // What waits may be painted after a start in another folder.
        self.network.weights = (self.network.named_weights()).map(|file| canonical(&file));
        // Before anything is served: the weights are there, and can be read.
        let mut painter = Painter::supervised(built_in);
        painter.read_weights(&self.network)?;
        let studio = Arc::new(Studio::open(
            Folder::open(&folder)?,
            self.network.clone(),
            self.memory.clone(),
        ));
        self.lay_out(&studio)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(2)
            .build()
            .context("the server cannot be started")?;
        runtime.block_on(self.serve(studio, &painter))?;
        Ok(EXIT_CODE.into())
    }

    /// Puts the pictures of the command line on the desk; the first time, and if there are none, examples.
    fn lay_out(&self, studio: &Studio) -> anyhow::Result<()> {
        let told = |refusal: Refusal| anyhow!(refusal.error);
        let mut desk = studio.board().draft.desk.clone();
        let open = |path: &PathBuf| {
            let bytes = std::fs::read(path)
                .with_context(|| format!("{}: cannot be read", path.display()))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            studio
                .pictures
                .add(&bytes, &name, Kind::Picture)
                .map_err(told)
        };
        let painting = |picture| DeskPainting {
            picture,
            mask: None,
        };
        if let Some(photo) = &self.photo {
            desk.photo = Some(open(photo)?.id);
            (desk.protect, desk.start, desk.rest) = (None, None, None);
            // Masks are of the photograph before.
            desk.paintings
                .iter_mut()
                .for_each(|painting| painting.mask = None);
        }
        if !self.paintings.is_empty() {
            let opened = self
                .paintings
                .iter()
                .map(|path| Ok(painting(open(path)?.id)));
            desk.paintings = opened.collect::<anyhow::Result<_>>()?;
            desk.rest = None;
        }
        if desk == Desk::default() {
            let mut examples = EXAMPLES
                .iter()
                .filter(|example| FIRST.contains(&example.file));
            let mut next = || {
                let example = examples.next().expect("there are two");
                studio
                    .pictures
                    .add(example.bytes, example.file, Kind::Picture)
                    .map_err(told)
            };
            desk.photo = Some(next()?.id);
            desk.paintings = vec![painting(next()?.id)];
        }
        studio.set_desk(desk, None).map_err(told)
    }

    async fn serve(&self, studio: Arc<Studio>, painter: &Painter) -> anyhow::Result<()> {
        let listener = self.listener().await?;
        let guard = Arc::new(Guard::new(listener.local_addr()?)?);
        let (ended, end) = tokio::sync::watch::channel(false);
        let interrupted = studio.clone();
        let _interrupt = Interrupt::watch(move || {
            say(format_args!(
                "ending; a picture that is being painted goes on at the next start"
            ));
            interrupted.end();
            let _ = ended.send(true);
        })?;
        let url = guard.url();
        let mut printed = format!("{url}\n");
        if let Some(password) = guard.password() {
            printed += &format!("password for other machines: {password}\n");
        }
        // Nobody may be listening; the page can be opened all the same.
        let _ = std::io::stdout().write_all(printed.as_bytes());
        say(format_args!(
            "paintings are in {}; Ctrl-C ends the studio",
            studio.folder.path().display()
        ));
        if !self.no_open
            && let Err(error) = open::that_detached(&url)
        {
            say(format_args!(
                "the browser cannot be opened ({error}); open the address above"
            ));
        }
        let (sketching, painting) = (studio.clone(), studio.clone());
        let (small, large) = (painter.beside(), painter.beside());
        let sketcher = std::thread::spawn(move || sketcher::work(sketching, small));
        let easel = std::thread::spawn(move || easel::work(&painting, large));
        let mut end = end;
        let end = async move {
            let _ = end.wait_for(|ended| *ended).await;
        };
        server::serve(listener, studio.clone(), guard, end)
            .await
            .context("the server")?;
        let _ = easel.join();
        sketcher.join().unwrap_or(Ok(()))
    }

    /// Listens at the address that was asked for.
    async fn listener(&self) -> anyhow::Result<TcpListener> {
        let address = self.listen.unwrap_or(Ipv4Addr::LOCALHOST.into());
        let port = self.port.unwrap_or(PORT);
        match TcpListener::bind((address, port)).await {
            Ok(listener) => Ok(listener),
            Err(_) if self.port.is_none() => {
                let listener = TcpListener::bind((address, 0)).await;
                listener
                    .with_context(|| format!("--listen {address}: the page cannot be served there"))
            }
            Err(error) => Err(anyhow!("--port {port}: {error}; name another one")),
        }
    }
}

/// The folder for paintings if none is named.
fn default_folder() -> anyhow::Result<PathBuf> {
    let pictures = dirs::picture_dir().filter(|folder| folder.is_dir());
    let folder = pictures
        .or_else(dirs::home_dir)
        .filter(|folder| folder != Path::new("/"));
    let folder = folder.context("you have no folder for pictures; name one with --folder")?;
    Ok(folder.join("impasto"))
}
