//! `stylize`: a run, painted by a thread of its own, while the caller's thread watches for Ctrl-C and shows the steps.

use crate::errors::{error, of_run};
use crate::network::{self, Network};
use crate::pictures::{array, picture};
use crate::settings::Given;
use crate::step::{Known, Order, Painter, Step, obey};
use impasto::painting::{
    InputRegion, Inputs, Painting, RegionPlace, Style, Stylization, StylizeError,
};
use impasto::weights::Weights;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

type Any<'py> = Bound<'py, PyAny>;

/// How long Ctrl-C may go unnoticed.
const PATIENCE: Duration = Duration::from_millis(100);

/// The most threads that can be asked for, as on the command line.
const MOST_THREADS: usize = 1024;

/// Paints a photograph in the style of a painting, and returns the picture, an array H×W×3 of uint8.
///
/// content and style are pictures: paths, PIL images, or arrays H×W, H×W×3 or H×W×4 of uint8 or uint16, which may have 1 or 2 channels
/// too. style may be a list of pictures, which are blended. Arrays and PIL images are taken as sRGB, upright; files are converted and
/// turned as their profile and EXIF say. Transparent pixels are placed on white.
///
/// size is the number of pixels along the long edge, or (width, height); 512, unless the preset says otherwise. preset is the name of
/// a recipe or a TOML file. All other settings of the program are keyword arguments, with underscores: content_weight=100,
/// original_colors="match", style_layers={"conv1_1": 1, "conv2_1": 0.5}; impasto.Settings lists them. init may be a picture.
///
/// content_mask has a picture for each style, which is painted where it is white, or "rest" for what the others leave; style_mask one
/// that shows which part of the style counts, or "all"; protect is white where the photograph stays as it is.
///
/// on_step(step) is called after each iteration, on the thread that called stylize. If it returns False, the run ends early, and the
/// picture so far is returned; if it raises, the exception is passed on. So is KeyboardInterrupt, after the iteration. Other Python
/// threads run meanwhile.
///
/// weights is a weights file or an impasto.Network; weights_convention and engine are as for impasto.Network. threads is the number of
/// threads: by default what RAYON_NUM_THREADS in the environment says, or one for each core. The same pictures and settings give the same
/// bytes as the program does, on any number of threads.
///
/// Raises impasto.MissingFile if a file does not exist; impasto.Error if something cannot be used, in the words of the program;
/// impasto.Diverged, which holds the last good picture, if the loss is no longer finite; TypeError for unknown settings and for things
/// that are no pictures.
#[pyfunction]
#[pyo3(signature = (
    content, style, size=None, preset=None, on_step=None, *, content_mask=None, style_mask=None, protect=None, weights=None,
    weights_convention=None, engine="fast", threads=None, **settings
))]
#[expect(clippy::too_many_arguments, reason = "they are keyword arguments")]
pub fn stylize<'py>(
    py: Python<'py>,
    content: &Any<'py>,
    style: &Any<'py>,
    size: Option<&Any<'py>>,
    preset: Option<PathBuf>,
    on_step: Option<Py<PyAny>>,
    content_mask: Option<&Any<'py>>,
    style_mask: Option<&Any<'py>>,
    protect: Option<&Any<'py>>,
    weights: Option<&Any<'py>>,
    weights_convention: Option<&str>,
    engine: &str,
    threads: Option<usize>,
    settings: Option<&Bound<'py, PyDict>>,
) -> PyResult<Any<'py>> {
    let given = Given::new(py, size, preset.as_deref(), settings)?;
    let engine = network::engine(engine)?;
    let threads = pool(threads)?;
    let inputs = Inputs {
        initial: given.initial,
        ..inputs(content, style, content_mask, style_mask, protect)?
    };
    let weights = weights_of(py, weights, weights_convention)?;
    let stylization = Stylization::new(inputs)
        .settings(given.settings)
        .engine(engine);
    let (painted, raised) = py.detach(|| {
        thread::scope(|scope| {
            let (events, steps) = channel();
            let painter = scope.spawn(|| {
                let events = events;
                threads.install(|| paint(&stylization, &weights, &events))
            });
            let raised = watch(&steps, on_step.as_ref());
            (painter.join(), raised)
        })
    });
    if let Some(raised) = raised {
        return Err(raised);
    }
    let painting = painted.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let painting = painting.map_err(|error| of_run(py, &error))?;
    let painted = py.detach(|| painting.picture.to_picture());
    Ok(array(py, &painted))
}

/// What the thread that paints tells after an iteration, and where it waits for orders.
type Event = (Known, Painter);

/// Paints. After each iteration it hands an event over and waits.
fn paint(
    stylization: &Stylization,
    weights: &Weights,
    events: &Sender<Event>,
) -> Result<Painting, StylizeError> {
    stylization.prepare(weights)?.run(|iteration| {
        let (painter, orders) = channel();
        match events.send((iteration.into(), painter)) {
            Ok(()) => obey(&orders, iteration),
            Err(_) => ControlFlow::Break(()),
        }
    })
}

/// Watches a run until it ends: shows each step, and looks for Ctrl-C. Returns the exception that ended it, if one did.
fn watch(steps: &Receiver<Event>, on_step: Option<&Py<PyAny>>) -> Option<PyErr> {
    let mut raised = None;
    loop {
        match steps.recv_timeout(PATIENCE) {
            Err(RecvTimeoutError::Disconnected) => return raised,
            Err(RecvTimeoutError::Timeout) if raised.is_some() => {}
            Err(RecvTimeoutError::Timeout) => {
                raised = Python::attach(|py| py.check_signals().err())
            }
            Ok((known, painter)) => {
                let flow = match &raised {
                    Some(_) => Ok(ControlFlow::Break(())),
                    None => Python::attach(|py| show(py, known, &painter, on_step)),
                };
                let flow = flow.unwrap_or_else(|error| {
                    raised = Some(error);
                    ControlFlow::Break(())
                });
                // If the painter is gone, there is nobody to be told.
                let _ = painter.send(Order::Proceed(flow));
            }
        }
    }
}

/// Shows a step. Breaks if `on_step` returns False.
fn show(
    py: Python,
    known: Known,
    painter: &Painter,
    on_step: Option<&Py<PyAny>>,
) -> PyResult<ControlFlow<()>> {
    py.check_signals()?;
    let Some(on_step) = on_step else {
        return Ok(ControlFlow::Continue(()));
    };
    let step = Bound::new(py, Step::new(known, painter.clone()))?;
    let answer = on_step.call1(py, (&step,));
    step.get().close();
    let stop = matches!(answer?.extract::<bool>(py), Ok(false));
    Ok(if stop {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(())
    })
}

/// The threads to compute with.
fn pool(threads: Option<usize>) -> PyResult<ThreadPool> {
    if threads.is_some_and(|threads| !(1..=MOST_THREADS).contains(&threads)) {
        return Err(error(format!(
            "threads: write a whole number from 1 to {MOST_THREADS}"
        )));
    }
    // rayon takes 0 for what the environment says, or one for each core.
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads.unwrap_or(0))
        .build();
    pool.map_err(|trouble| {
        error(format!(
            "the threads cannot be started ({trouble}); ask for fewer with threads"
        ))
    })
}

fn weights_of(
    py: Python,
    weights: Option<&Any>,
    convention: Option<&str>,
) -> PyResult<Arc<Weights>> {
    if let Some(network) = weights.and_then(|weights| weights.cast::<Network>().ok()) {
        return Ok(network.get().weights.clone());
    }
    let file = weights.map(|weights| weights.extract()).transpose()?;
    network::load(py, file, convention)
}

/// The pictures of a run.
fn inputs(
    content: &Any,
    style: &Any,
    content_mask: Option<&Any>,
    style_mask: Option<&Any>,
    protect: Option<&Any>,
) -> PyResult<Inputs> {
    let paintings = items(style)?;
    if paintings.is_empty() {
        return Err(error("style: there is none; give a picture, or several"));
    }
    let content = picture("content", content)?;
    let content_masks = masks("content_mask", content_mask, paintings.len())?;
    let style_masks = masks("style_mask", style_mask, paintings.len())?;
    let mut styles = Vec::new();
    for (number, painting) in paintings.iter().enumerate() {
        let mut style = Style::whole(picture("style", painting)?);
        if let Some(mask) = style_masks.get(number).filter(|mask| !is_word(mask, "all")) {
            style.mask = Some(picture("style_mask", mask)?);
        }
        styles.push(style);
    }
    let places = content_masks.iter().map(|mask| {
        Ok(if is_word(mask, "rest") {
            RegionPlace::Rest
        } else {
            RegionPlace::Mask(picture("content_mask", mask)?)
        })
    });
    let places = places.collect::<PyResult<_>>()?;
    Ok(Inputs {
        content: Some(content),
        regions: InputRegion::of_styles(styles, places),
        initial: None,
        protected: protect.map(|mask| picture("protect", mask)).transpose()?,
    })
}

/// The masks that are called `name`: none, or one for each style.
fn masks<'py>(name: &str, given: Option<&Any<'py>>, styles: usize) -> PyResult<Vec<Any<'py>>> {
    let masks = given.map_or(Ok(Vec::new()), items)?;
    if masks.is_empty() || masks.len() == styles {
        return Ok(masks);
    }
    Err(error(format!(
        "{name}: {} for {styles} style pictures; give one for each, in their order",
        masks.len()
    )))
}

/// The items of a list or a tuple; of anything else, itself.
fn items<'py>(given: &Any<'py>) -> PyResult<Vec<Any<'py>>> {
    if given.is_instance_of::<PyList>() || given.is_instance_of::<PyTuple>() {
        given.try_iter()?.collect()
    } else {
        Ok(vec![given.clone()])
    }
}

fn is_word(mask: &Any, word: &str) -> bool {
    mask.cast::<PyString>().is_ok_and(|text| text == word)
}
