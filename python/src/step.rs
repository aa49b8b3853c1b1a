//! What `on_step` is shown after an iteration, and how it asks the thread that paints for the picture so far.

use crate::errors::error;
use crate::pictures::array;
use impasto::objective::Losses;
use impasto::painting::Iteration;
use impasto::picture::{Picture, Size};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Mutex, PoisonError};

/// A step of a run, as on_step is shown it.
#[pyclass(frozen, module = "impasto")]
pub struct Step {
    known: Known,
    /// Gone when `on_step` has returned.
    painter: Mutex<Option<Painter>>,
}

/// What is known after an iteration.
#[derive(Clone, Copy)]
pub struct Known {
    iteration: usize,
    iterations: usize,
    size: Size,
    losses: Losses,
    seconds: f64,
}

impl From<&Iteration<'_>> for Known {
    fn from(iteration: &Iteration) -> Self {
        Self {
            iteration: iteration.iteration,
            iterations: iteration.iterations,
            size: iteration.size(),
            losses: iteration.losses,
            seconds: iteration.elapsed.as_secs_f64(),
        }
    }
}

/// What the thread that paints is to do after an iteration.
pub enum Order {
    /// Go on with the next one, or end.
    Proceed(ControlFlow<()>),
    /// Send the picture so far, and wait for another order.
    Picture(Sender<Picture>),
}

/// The thread that paints, for those who may ask it for the picture.
pub type Painter = Sender<Order>;

/// Obeys orders until one says how to proceed. Ends the run if nobody gives orders any more.
pub fn obey(orders: &Receiver<Order>, iteration: &Iteration) -> ControlFlow<()> {
    for order in orders {
        match order {
            Order::Proceed(flow) => return flow,
            // Whoever asked may be gone.
            Order::Picture(to) => drop(to.send(iteration.picture())),
        }
    }
    ControlFlow::Break(())
}

impl Step {
    pub fn new(known: Known, painter: Painter) -> Self {
        Self {
            known,
            painter: Mutex::new(Some(painter)),
        }
    }

    /// From now on there is no picture. Waits if one is being computed.
    pub fn close(&self) {
        *self.painter.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn ask(&self) -> Option<Picture> {
        let painter = self.painter.lock().unwrap_or_else(PoisonError::into_inner);
        let (to, from) = std::sync::mpsc::channel();
        painter.as_ref()?.send(Order::Picture(to)).ok()?;
        from.recv().ok()
    }
}

#[pymethods]
impl Step {
    /// The number of this iteration, from 1.
    #[getter]
    fn iteration(&self) -> usize {
        self.known.iteration
    }

    /// The number of all iterations of the run.
    #[getter]
    fn iterations(&self) -> usize {
        self.known.iterations
    }

    /// Width and height of the size that is being painted at, in pixels. It grows during a run.
    #[getter]
    fn size(&self) -> (u32, u32) {
        (self.known.size.width, self.known.size.height)
    }

    /// The losses of the picture before this step, times their weights: "content", "style", "tv", and their sum, "total".
    #[getter]
    fn losses<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let losses = self.known.losses;
        let dict = PyDict::new(py);
        dict.set_item("content", losses.content)?;
        dict.set_item("style", losses.style)?;
        dict.set_item("tv", losses.tv)?;
        dict.set_item("total", losses.total())?;
        Ok(dict)
    }

    /// Seconds since the run's first iteration began.
    #[getter]
    fn seconds(&self) -> f64 {
        self.known.seconds
    }

    /// The picture so far in its final size and colors, an array H×W×3 of uint8. It is computed when it is asked for, and only while
    /// on_step runs; later it raises impasto.Error.
    fn picture<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let picture = py.detach(|| self.ask());
        let picture = picture.ok_or_else(|| {
            error("the picture of a step is there only while on_step runs; ask for it there")
        })?;
        Ok(array(py, &picture))
    }

    fn __repr__(&self) -> String {
        let Known {
            iteration,
            iterations,
            size,
            ..
        } = self.known;
        format!("<impasto.Step {iteration} of {iterations} at {size}>")
    }
}
