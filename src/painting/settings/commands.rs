//! The commands that have options for settings, and the headings under which these stand.

/// A command that paints one picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// `impasto stylize`, and `impasto batch`, which has the same options.
    Stylize,
    /// `impasto texture`
    Texture,
    /// `impasto reconstruct`
    Reconstruct,
}

impl Command {
    /// The preset that the command uses unless `--preset` names another.
    pub fn preset(self) -> &'static str {
        match self {
            Self::Stylize => "default",
            Self::Texture => "texture",
            Self::Reconstruct => "reconstruct",
        }
    }
}

/// A heading that some settings stand under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The painted picture.
    Picture,
    /// The style.
    Style,
    /// The optimization.
    Optimization,
}

impl Group {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 3] = [Self::Picture, Self::Style, Self::Optimization];

    /// The heading.
    pub fn name(self) -> &'static str {
        match self {
            Self::Picture => "Picture",
            Self::Style => "Style",
            Self::Optimization => "Optimization",
        }
    }
}
