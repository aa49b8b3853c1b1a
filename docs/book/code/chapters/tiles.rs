//! How a picture is cut, what the halos cost, and how near tiles and processes come to the whole.

use crate::charts::{Axis, COLORS, Curve, curves, embedded, svg, text};
use crate::drawings::Drawings;
use crate::numbers::scientific;
use crate::sketches::{CAT, NIGHT, image, pixels, preset, taps, weights};
use anyhow::Result;
use impasto::engine::{Engine, EngineKind, Reference};
use impasto::method::big_array::{Band, Storage};
use impasto::method::{Alone, BigArray, Communicator, Padding, Pooling, Scalar};
use impasto::network::Network;
use impasto::objective::{
    Compared, Objective, Region, Style, Tap, Targets, TileSize, TiledObjective, Tiling,
};
use impasto::vgg::VGG16;
use ndarray::{Array2, Array3, Axis as Side, concatenate};
use plotters::prelude::SeriesLabelPosition;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

/// Draws the figures of the chapter.
///
/// # Errors
/// If a file cannot be read or written.
pub fn draw(out: &mut Drawings) -> Result<()> {
    let network = network(EngineKind::default().build())?;
    cut(out, &network)?;
    halo_cost(out, &network)?;
    distances(out, &network)
}

fn network<T: Scalar>(engine: Arc<dyn Engine<T>>) -> Result<Network<T>> {
    let depth = VGG16.find("conv5_1")? + 1;
    let (pooling, padding) = (Pooling::Average, Padding::Zero);
    Ok(Network::new(weights()?, pooling, padding, depth, engine))
}

/// A picture cut into tiles, with what one of them owns and what it reads.
fn cut(out: &mut Drawings, network: &Network<f32>) -> Result<()> {
    const SIZE: (usize, usize) = (416, 624);
    const EDGE: usize = 208;
    let field = network.receptive_field([VGG16.find("conv5_1")?]);
    out.number("halo", field.halo);
    out.number("stride", field.stride);
    out.number("reach", network.reach(VGG16.find("conv5_1")?));
    let tiling = Tiling::new(0..SIZE.0, SIZE, EDGE, field);
    let (width, height) = (SIZE.1 as u32, SIZE.0 as u32);
    let mut elements = embedded(
        &image(&pixels(CAT, width, height)?),
        (10, 10),
        (width, height),
    )?;
    for tile in tiling.tiles() {
        let (rows, columns) = tile.place(0);
        writeln!(
            elements,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"white\" stroke-width=\"2\"/>",
            10 + columns.start,
            10 + rows.start,
            columns.len(),
            rows.len()
        )?;
    }
    let tile = tiling.tiles().nth(1).expect("there are six tiles");
    let (own_rows, own_columns) = tile.place(0);
    let (rows, columns) = tile.read();
    let color = |k: usize| format!("rgb({},{},{})", COLORS[k].0, COLORS[k].1, COLORS[k].2);
    writeln!(
        elements,
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\" fill-opacity=\"0.25\" stroke=\"{}\" stroke-width=\"3\" stroke-dasharray=\"8 5\"/>",
        10 + columns.start,
        10 + rows.start,
        columns.end - columns.start,
        rows.end - rows.start,
        color(4),
        color(4)
    )?;
    writeln!(
        elements,
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\" fill-opacity=\"0.3\" stroke=\"{}\" stroke-width=\"3\"/>",
        10 + own_columns.start,
        10 + own_rows.start,
        own_columns.len(),
        own_rows.len(),
        color(0),
        color(0)
    )?;
    let label = format!(
        "blue: the pixels that a tile owns, {}×{}; orange: those that it reads, {}×{}",
        own_columns.len(),
        own_rows.len(),
        columns.end - columns.start,
        rows.end - rows.start
    );
    elements += &text((f64::from(width / 2 + 10), f64::from(height + 34)), &label);
    out.svg("cut", &svg((width + 20, height + 48), &elements))
}

/// How many pixels are computed for each that is owned.
fn halo_cost(out: &mut Drawings, network: &Network<f32>) -> Result<()> {
    const SIZE: (usize, usize) = (3000, 4000);
    let edges = [64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048];
    let mut lines = Vec::new();
    for name in ["conv5_1", "conv4_1", "conv3_1"] {
        let field = network.receptive_field([VGG16.find(name)?]);
        let cost = |edge: usize| {
            let tiling = Tiling::new(0..SIZE.0, SIZE, edge, field);
            tiling.read_area() as f64 / tiling.own_area() as f64
        };
        let points = edges.map(|edge| (edge as f64, cost(edge)));
        lines.push(Curve::marked(name, points.to_vec()));
        if name == "conv5_1" {
            out.number("cost_256", format!("{:.2}", cost(256)));
            out.number("cost_1024", format!("{:.2}", cost(1024)));
        }
    }
    out.plot("cost", (920, 400), |area| {
        curves(
            area,
            &Axis::log("largest edge of a tile, in pixels", 60.0..2200.0),
            &Axis::log("pixels read ÷ pixels of the picture", 0.9..12.0),
            &lines,
            SeriesLabelPosition::UpperRight,
        )
    })
}

/// A process that is played by a thread of this one. What it sends to another goes through a channel.
struct Played {
    rank: usize,
    to: Vec<Sender<Vec<u8>>>,
    from: Vec<Mutex<Receiver<Vec<u8>>>>,
    sent: AtomicU64,
}

// ANCHOR: played
impl Communicator for Played {
    fn rank(&self) -> usize {
        self.rank
    }

    fn ranks(&self) -> usize {
        self.to.len()
    }

    fn exchange(&self, outgoing: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        for (rank, (to, bytes)) in self.to.iter().zip(outgoing).enumerate() {
            if rank != self.rank {
                self.sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            }
            to.send(bytes).expect("the other thread waits for it");
        }
        let received = |from: &Mutex<Receiver<Vec<u8>>>| {
            let from = from.lock().expect("no thread panics");
            from.recv().expect("the other thread sends it")
        };
        self.from.iter().map(received).collect()
    }

    fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}
// ANCHOR_END: played

/// What `work` returns on each of this many processes.
fn on_processes<R: Send>(ranks: usize, work: impl Fn(Arc<dyn Communicator>) -> R + Sync) -> Vec<R> {
    let mut to: Vec<Vec<_>> = (0..ranks).map(|_| Vec::new()).collect();
    let mut from: Vec<Vec<_>> = (0..ranks).map(|_| Vec::new()).collect();
    for to in &mut to {
        for from in &mut from {
            let (sender, receiver) = channel();
            to.push(sender);
            from.push(Mutex::new(receiver));
        }
    }
    let worlds = to
        .into_iter()
        .zip(from)
        .enumerate()
        .map(|(rank, (to, from))| Played {
            rank,
            to,
            from,
            sent: AtomicU64::new(0),
        });
    let (worlds, work): (Vec<_>, _) = (worlds.collect(), &work);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (worlds.into_iter())
            .map(|world| scope.spawn(move || work(Arc::new(world))))
            .collect();
        (threads.into_iter())
            .map(|thread| thread.join().expect("no thread panics"))
            .collect()
    })
}

/// What is minimized: the pictures and the layers.
struct Case<T> {
    photograph: Array3<T>,
    painting: Array3<T>,
    content: Vec<Tap>,
    style: Vec<Tap>,
}

impl<T: Scalar> Case<T> {
    fn new() -> Result<Self> {
        let settings = preset("classic", 128)?;
        let pixels = |name| -> Result<Array3<T>> {
            Ok(pixels(name, 128, 96)?.mapv(|x| T::of(f64::from(x))))
        };
        Ok(Self {
            photograph: pixels(CAT)?,
            painting: pixels(NIGHT)?,
            content: taps(&settings.content_layers, settings.content_weight)?,
            style: taps(&settings.style_layers, settings.style_weight)?,
        })
    }

    fn targets<'a, P>(
        &'a self,
        photograph: &'a P,
        regions: &'a [Region<P, Array2<T>>],
    ) -> Targets<'a, T, P> {
        Targets {
            content: Some((photograph, &self.content)),
            regions,
            style_taps: &self.style,
            compared: Compared::Layers,
            style_loss: impasto::method::StyleLossKind::Gram,
            tv_weight: 0.0,
            tv_diagonals: 0.0,
            normalize: false,
        }
    }

    /// The gradient of the whole picture, half way between the photograph and the painting.
    fn whole(&self, network: &Network<T>) -> Array3<T> {
        let regions = [Region::everywhere(vec![Style::whole(
            self.painting.clone(),
        )])];
        let objective = Objective::new(network, self.targets(&self.photograph, &regions));
        objective.evaluate(network, &self.picture()).1
    }

    fn picture(&self) -> Array3<T> {
        (&self.photograph + &self.painting).mapv(|x| x * T::of(0.5))
    }

    /// The gradient of the rows of this process, computed in tiles.
    fn tiled(
        &self,
        network: &Network<T>,
        tile: TileSize,
        world: &Arc<dyn Communicator>,
    ) -> Array3<T> {
        let (height, width, _) = self.photograph.dim();
        let size = (height, width);
        let layers = self.content.iter().chain(&self.style).map(|tap| tap.layer);
        let (bands, read) = network.receptive_field(layers).bands(size, world.ranks());
        let part = |picture: &Array3<T>| {
            let rows = read[world.rank()].clone();
            let columns = 0..width as isize;
            let part = BigArray::from(picture.clone()).part(rows.clone(), columns);
            Band::of(std::borrow::Cow::Owned(part.into()), rows.start, height)
        };
        let regions = [Region::everywhere(vec![Style::whole(part(&self.painting))])];
        let photograph = part(&self.photograph);
        let targets = self.targets(&photograph, &regions);
        let tiled = TiledObjective::new(
            network,
            targets,
            size,
            tile,
            &Storage::Memory,
            world.clone(),
        );
        let own = BigArray::from(self.picture()).rows(bands.of(world.rank()));
        tiled.evaluate(network, &own.into()).1.into_array()
    }
}

fn distance<T: Scalar>(a: &Array3<T>, b: &Array3<T>) -> f64 {
    let squares = |x: &mut dyn Iterator<Item = f64>| x.map(|x| x * x).sum::<f64>();
    let off = squares(&mut a.iter().zip(b).map(|(a, b)| a.as_f64() - b.as_f64()));
    (off / squares(&mut b.iter().map(|b| b.as_f64()))).sqrt()
}

fn distances(out: &mut Drawings, network: &Network<f32>) -> Result<()> {
    let mut table = "| tiles | processes | numbers | distance of the gradient from the whole picture's | bytes sent |\n|---|---|---|---|---|\n".to_owned();
    let narrow = Case::<f32>::new()?;
    let whole = narrow.whole(network);
    let alone: Arc<dyn Communicator> = Arc::new(Alone);
    let tiled = narrow.tiled(network, TileSize::Edge(64), &alone);
    writeln!(
        table,
        "| 64×64 | 1 | f32 | {} | 0 |",
        scientific(distance(&tiled, &whole))
    )?;
    let wide = Case::<f64>::new()?;
    // The fast engine in f64 would take long to compile, for one row.
    let wide_network = self::network::<f64>(Arc::new(Reference))?;
    let tiled = wide.tiled(&wide_network, TileSize::Edge(64), &alone);
    let exact = wide.whole(&wide_network);
    writeln!(
        table,
        "| 64×64 | 1 | f64 | {} | 0 |",
        scientific(distance(&tiled, &exact))
    )?;
    for ranks in [2, 3] {
        let parts = on_processes(ranks, |world| {
            let rows = narrow.tiled(network, TileSize::Edge(1000), &world);
            (rows, world.sent())
        });
        let rows: Vec<_> = parts.iter().map(|part| part.0.view()).collect();
        let gradient = concatenate(Side(0), &rows)?;
        let sent: u64 = parts.iter().map(|part| part.1).sum();
        let sent = format!("{:.1} MB", sent as f64 / 1e6);
        writeln!(
            table,
            "| none | {ranks} | f32 | {} | {sent} |",
            scientific(distance(&gradient, &whole))
        )?;
    }
    out.markdown("distances", &table)
}
