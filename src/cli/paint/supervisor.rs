//! Whoever may end a run before its last iteration: on the command line, Ctrl-C.

use super::interrupt::Interrupt;
use crate::painting::Iteration;
use std::ops::ControlFlow;

/// What to do with the picture of a run that ends early or fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfinished {
    Write,
    Discard,
}

/// Whoever may end a run before its last iteration.
pub trait Supervisor: Send {
    /// Looks at an iteration. Returns whether a checkpoint must be written now, if there are any.
    fn observe(&mut self, iteration: &Iteration) -> bool;

    /// Breaks to end the run after that iteration, whose checkpoint is written. May wait.
    fn proceed(&mut self) -> ControlFlow<()>;

    /// What to do with the picture if the run has ended early or failed.
    fn unfinished(&self) -> Unfinished;
}

/// Ends a run when Ctrl-C is pressed.
pub struct CtrlC {
    pub interrupt: Interrupt,
    pub unfinished: Unfinished,
    /// Whether it was pressed before the last iteration ended.
    pub pressed: bool,
}

impl Supervisor for CtrlC {
    fn observe(&mut self, _: &Iteration) -> bool {
        self.pressed = self.interrupt.pressed();
        self.pressed
    }

    fn proceed(&mut self) -> ControlFlow<()> {
        break_if(self.pressed)
    }

    fn unfinished(&self) -> Unfinished {
        self.unfinished
    }
}

/// Breaks if `end`.
pub fn break_if(end: bool) -> ControlFlow<()> {
    if end {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(())
    }
}
