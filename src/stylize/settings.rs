//! What can be set about a run, and whether it makes sense.

use super::{Colours, Inputs, Painted, Scales, border};
use crate::files::picture::{Picture, Size, SizeRequest};
use crate::loss::style::Statistic;
use crate::ops::conv::Engine;
use crate::ops::pool::Pooling;
use crate::optimize::lbfgs;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The most pairs of L-BFGS: two pictures of memory each.
const MOST_HISTORY: usize = 100;

/// The smallest and the largest style picture, beside the painted one.
const MIN_STYLE_SCALE: f64 = 0.05;
const MAX_STYLE_SCALE: f64 = 8.0;

/// The largest share of a style picture that may be left out on each side.
const MOST_MARGIN: f64 = 0.45;

/// Everything that a run is made of besides its two pictures and the weights.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The size of the painted picture.
    pub size: SizeRequest,
    /// From coarse to fine: the sizes that come before it.
    pub scales: Scales,
    /// Pixels that are painted beyond each edge and cut off, so that no frame shows, at most 64; a seamless picture has none.
    pub border: usize,
    /// How large each style picture is beside the painted one, 1 for the same long edge; one number for all, or one for each.
    pub style_scale: Vec<f64>,
    /// How much of a style picture's edge is left out on each side, as a share of that side, 0 to less than ½: photographs of
    /// paintings tend to show a frame.
    pub style_margin: f64,
    /// How much each style counts beside the others; one number for all, or one for each.
    pub style_blend: Vec<f64>,
    /// Whether the style picture may be enlarged beyond its own pixels.
    pub enlarge_style: bool,
    /// How many evaluations of loss and gradient in all, at least 1.
    pub iterations: usize,
    /// How the pixels are moved.
    pub optimizer: Method,
    /// Adam's learning rate, in units of 0..255; of L-BFGS, the largest change of a pixel in the first step.
    pub learning_rate: f64,
    /// The pairs that L-BFGS keeps, at least 1.
    pub history: usize,
    /// The decay of the running mean of Adam's pictures that is the result, from 0, which is none, to less than 1.
    pub average: f64,
    /// Whether Adam's pixels are kept in 0..255.
    pub clamp: bool,
    /// What the first picture is.
    pub init: Init,
    /// The share of noise in [`Init::Noise`], 0 to 1.
    pub noise_ratio: f64,
    /// Multiplies all content losses.
    pub content_weight: f64,
    /// Multiplies all style losses.
    pub style_weight: f64,
    /// Multiplies the total variation.
    pub tv_weight: f64,
    /// Whether the total variation is a mean over the picture's values, as the other losses are, so that its weight means the same
    /// at every size; else it is a sum.
    pub tv_mean: bool,
    /// Where content is compared.
    pub content_layers: Vec<LayerWeight>,
    /// Where style is compared.
    pub style_layers: Vec<LayerWeight>,
    /// What of the activations is compared as style.
    pub style_loss: Statistic,
    /// Whether each layer's gradient is brought to the size that its weight says, whatever the loss there; only Adam can do with it.
    pub normalize_gradients: bool,
    /// Whose colours the painted picture has.
    pub colours: Colours,
    /// Whether the picture goes on at its left where it ends at its right, and so at the top and the bottom: copies of it tile.
    pub seamless: bool,
    /// How the network pools.
    pub pooling: Pooling,
    /// Where the noise starts from.
    pub seed: u64,
    /// How convolutions are computed.
    pub engine: Engine,
}

/// How the pixels are moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Adam: many small steps, each of one evaluation.
    Adam,
    /// L-BFGS: longer ones, of one evaluation or a few.
    Lbfgs,
}

/// What the first picture is.
#[derive(Clone, Debug)]
pub enum Init {
    /// The photograph.
    Content,
    /// Noise, uniform in −20..20 about the mean, mixed with the photograph.
    Noise,
    /// Noise alone, uniform over all that a pixel can be.
    Random,
    /// A picture, fitted as the photograph is.
    Picture(Picture),
}

/// A layer and the weight of its loss, written `conv4_1=3`, or `conv4_2` for the weight 1.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerWeight {
    /// `conv4_2` or `pool3`.
    pub layer: String,
    /// At least 0.
    pub weight: f64,
}

impl Settings {
    /// The classic recipe: 666×500, 300 steps of Adam from the mix of noise and photograph.
    pub fn classic() -> Self {
        let layer = |(layer, weight): (&str, f64)| LayerWeight {
            layer: layer.to_owned(),
            weight,
        };
        let style = [
            ("conv1_1", 0.5),
            ("conv2_1", 1.0),
            ("conv3_1", 1.5),
            ("conv4_1", 3.0),
            ("conv5_1", 4.0),
        ];
        Self {
            size: SizeRequest::Exact(Size {
                width: 666,
                height: 500,
            }),
            scales: Scales::Count(1),
            border: 0,
            style_scale: vec![1.0],
            style_margin: 0.0,
            style_blend: vec![1.0],
            enlarge_style: true,
            iterations: 300,
            optimizer: Method::Adam,
            learning_rate: 2.0,
            history: lbfgs::HISTORY,
            average: 0.0,
            clamp: false,
            init: Init::Noise,
            noise_ratio: 0.6,
            content_weight: 0.01,
            style_weight: 1.0,
            tv_weight: 0.0,
            tv_mean: false,
            content_layers: vec![layer(("conv4_2", 1.0))],
            style_layers: style.map(layer).into(),
            style_loss: Statistic::Gram,
            normalize_gradients: false,
            colours: Colours::Painting,
            seamless: false,
            pooling: Pooling::Average,
            seed: 0,
            engine: Engine::default(),
        }
    }

    /// The size that style picture `number` of size `from` is fitted to, where the painted one is at `share` of its full size.
    /// `cropped` says whether it gets the aspect of the painted picture, if that is given.
    pub(super) fn style_size(&self, from: Size, share: f64, number: usize, cropped: bool) -> Size {
        let full = match self.size {
            SizeRequest::Exact(size) if !cropped => {
                SizeRequest::LongEdge(size.width.max(size.height))
            }
            size => size,
        };
        let full = full.of(from);
        let edges = |size: Size| [size.width, size.height].map(f64::from);
        let ([width, height], [own_width, own_height]) = (edges(full), edges(from));
        // Of a crop, too, no pixel becomes two.
        let own = if self.enlarge_style {
            f64::INFINITY
        } else {
            (own_width / width).min(own_height / height)
        };
        let factor = (of_style(&self.style_scale, number) * share).min(own);
        let edge = |edge: f64| ((edge * factor).round() as u32).max(1);
        Size {
            width: edge(width),
            height: edge(height),
        }
    }

    /// What the sum of squared differences is multiplied with in a picture of this size.
    pub(super) fn tv_weight_at(&self, size: Size) -> f64 {
        let values = 3.0 * f64::from(size.width) * f64::from(size.height);
        self.tv_weight / if self.tv_mean { values } else { 1.0 }
    }

    /// How much style `number` counts beside the others.
    pub(super) fn style_share(&self, number: usize) -> f64 {
        of_style(&self.style_blend, number)
    }

    /// Checks each value by itself.
    ///
    /// # Errors
    /// Which setting is wrong, and what it must be.
    pub fn check_values(&self) -> Result<(), String> {
        if self.iterations == 0 {
            return Err("there must be at least 1 iteration".to_owned());
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            return Err(format!(
                "the learning rate must be above 0, not {}",
                self.learning_rate
            ));
        }
        if !(1..=MOST_HISTORY).contains(&self.history) {
            let history = self.history;
            return Err(format!(
                "the history must be from 1 to {MOST_HISTORY} pairs, not {history}"
            ));
        }
        if !(0.0..1.0).contains(&self.average) {
            let average = self.average;
            return Err(format!(
                "the decay of the average must be from 0 to less than 1, not {average}"
            ));
        }
        for scale in &self.style_scale {
            if !(MIN_STYLE_SCALE..=MAX_STYLE_SCALE).contains(scale) {
                return Err(format!(
                    "the style scale must be from {MIN_STYLE_SCALE} to {MAX_STYLE_SCALE}, not {scale}"
                ));
            }
        }
        if self.border > border::MOST {
            return Err(format!(
                "the border must be from 0 to {} pixels, not {}",
                border::MOST,
                self.border
            ));
        }
        if !(0.0..=MOST_MARGIN).contains(&self.style_margin) {
            let margin = self.style_margin;
            return Err(format!(
                "the style margin must be from 0 to {MOST_MARGIN}, not {margin}"
            ));
        }
        if !(0.0..=1.0).contains(&self.noise_ratio) {
            return Err(format!(
                "the noise ratio must be from 0 to 1, not {}",
                self.noise_ratio
            ));
        }
        let layers = self.content_layers.iter().chain(&self.style_layers);
        let of_layers = layers.map(|layer| (layer.layer.as_str(), layer.weight));
        let overall = [
            ("content", self.content_weight),
            ("style", self.style_weight),
            ("total variation", self.tv_weight),
        ];
        for (name, weight) in of_layers.chain(overall) {
            if !(weight.is_finite() && weight >= 0.0) {
                return Err(format!(
                    "the weight of {name} must be 0 or more, not {weight}"
                ));
            }
        }
        for layers in [&self.content_layers, &self.style_layers] {
            for (at, LayerWeight { layer, .. }) in layers.iter().enumerate() {
                if layers[..at].iter().any(|earlier| earlier.layer == *layer) {
                    return Err(format!("layer {layer} is named twice; name it once"));
                }
            }
        }
        Ok(())
    }

    /// Checks what can be checked without weights.
    ///
    /// # Errors
    /// Which setting is wrong, and what it must be.
    pub fn check(&self, inputs: &Inputs) -> Result<(), String> {
        self.check_values()?;
        if self.normalize_gradients && self.optimizer != Method::Adam {
            return Err("normalised gradients are not the gradient of any loss, which L-BFGS needs; ask for Adam with them".to_owned());
        }
        if self.average > 0.0 && self.optimizer != Method::Adam {
            return Err(
                "the average is one of Adam's pictures; ask for Adam with it, or for none"
                    .to_owned(),
            );
        }
        self.check_styles(inputs)?;
        if inputs.content.is_none() {
            self.check_without_content()?;
        }
        // The products, which may be 0 when neither factor is.
        let any = |layers: &[LayerWeight], overall: f64| {
            layers.iter().any(|layer| overall * layer.weight > 0.0)
        };
        let content = inputs.content.is_some() && any(&self.content_layers, self.content_weight);
        let style = !inputs.styles.is_empty() && any(&self.style_layers, self.style_weight);
        if !(content || style || self.tv_weight > 0.0) {
            return Err("every weight is 0: there is nothing to optimise".to_owned());
        }
        Ok(())
    }

    /// Checks what is said of each style.
    fn check_styles(&self, inputs: &Inputs) -> Result<(), String> {
        let styles = inputs.styles.len().max(1);
        for (what, given) in [
            ("style scale", self.style_scale.len()),
            ("style blend", self.style_blend.len()),
        ] {
            if given != 1 && given != styles {
                return Err(format!(
                    "the {what} has {given} numbers for {styles} style pictures: give one for each, or one for all"
                ));
            }
        }
        let blend = &self.style_blend;
        if !blend.iter().all(|share| share.is_finite() && *share >= 0.0)
            || blend.iter().all(|share| *share == 0.0)
        {
            return Err("the style blend must be of numbers from 0, not all of them 0".to_owned());
        }
        let masked =
            (inputs.styles.iter()).any(|style| !matches!(style.painted, Painted::Everywhere));
        if masked && blend.iter().any(|share| *share != blend[0]) {
            return Err("where masks say which style is painted where, there is no style blend; give one or the other".to_owned());
        }
        Ok(())
    }

    /// Checks that nothing is asked of a photograph.
    fn check_without_content(&self) -> Result<(), String> {
        if matches!(self.init, Init::Content | Init::Noise) {
            return Err(
                "there is no photograph to begin with; begin with random noise or a picture"
                    .to_owned(),
            );
        }
        if self.colours != Colours::Painting {
            return Err("there is no photograph whose colours could be kept".to_owned());
        }
        Ok(())
    }
}

/// What is said of style `number`, by a number for each or one for all.
fn of_style(numbers: &[f64], number: usize) -> f64 {
    *numbers.get(number).unwrap_or(&numbers[0])
}

impl fmt::Display for LayerWeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.layer, self.weight)
    }
}

impl FromStr for LayerWeight {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (layer, weight) = text.split_once('=').unwrap_or((text, "1"));
        let weight = (weight.trim().parse().ok())
            .filter(|weight: &f64| weight.is_finite() && *weight >= 0.0)
            .ok_or_else(|| {
                format!("{weight:?} is not a weight: write 0 or more, as in conv4_1=3")
            })?;
        match layer.trim() {
            "" => Err("a layer's name is missing: write conv4_1 or conv4_1=3".to_owned()),
            layer => Ok(Self {
                layer: layer.to_owned(),
                weight,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classic_recipe_makes_sense() {
        assert_eq!(Settings::classic().check(&Inputs::grey()), Ok(()));
    }

    #[test]
    fn a_style_picture_is_scaled_along_and_not_enlarged() {
        let size = |width, height| Size { width, height };
        let mut settings = Settings::classic();
        assert_eq!(
            settings.style_size(size(400, 300), 0.5, 0, true),
            size(333, 250)
        );
        settings.enlarge_style = false;
        assert_eq!(
            settings.style_size(size(400, 300), 1.0, 0, true),
            size(400, 300)
        );
        assert_eq!(
            settings.style_size(size(4000, 300), 1.0, 0, true),
            size(400, 300)
        );
        settings.size = SizeRequest::LongEdge(1000);
        assert_eq!(
            settings.style_size(size(400, 300), 1.0, 0, true),
            size(400, 300)
        );
        settings.style_scale = vec![0.25];
        assert_eq!(
            settings.style_size(size(400, 300), 1.0, 0, true),
            size(250, 188)
        );
    }

    #[test]
    fn what_a_photograph_is_needed_for_is_refused_without_one() {
        let style_alone = Inputs {
            content: None,
            ..Inputs::grey()
        };
        let refusal = |change: fn(&mut Settings)| {
            let mut settings = Settings {
                init: Init::Random,
                ..Settings::classic()
            };
            assert_eq!(settings.check(&style_alone), Ok(()));
            change(&mut settings);
            settings.check(&style_alone).unwrap_err()
        };
        assert!(refusal(|s| s.init = Init::Content).contains("to begin with"));
        assert!(refusal(|s| s.init = Init::Noise).contains("to begin with"));
        assert!(refusal(|s| s.colours = Colours::Match).contains("whose colours"));
        assert!(refusal(|s| s.style_weight = 0.0).contains("nothing to optimise"));
    }

    #[test]
    fn layer_weights_are_read_as_people_write_them() {
        let read = |text: &str| text.parse::<LayerWeight>().map(|layer| layer.to_string());
        assert_eq!(read("conv4_2").unwrap(), "conv4_2=1");
        assert_eq!(read(" conv4_1 = 0.5").unwrap(), "conv4_1=0.5");
        for bad in [
            "",
            "=3",
            "conv1_1=",
            "conv1_1=x",
            "conv1_1=-1",
            "conv1_1=inf",
        ] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn each_senseless_setting_is_refused_by_name() {
        let refusal = |change: fn(&mut Settings)| {
            let mut settings = Settings::classic();
            change(&mut settings);
            settings.check(&Inputs::grey()).unwrap_err()
        };
        assert!(refusal(|s| s.iterations = 0).contains("iteration"));
        assert!(refusal(|s| s.learning_rate = 0.0).contains("learning rate"));
        assert!(refusal(|s| s.learning_rate = f64::NAN).contains("learning rate"));
        let normalised =
            |s: &mut Settings| (s.normalize_gradients, s.optimizer) = (true, Method::Lbfgs);
        assert!(refusal(normalised).contains("Adam"));
        assert!(refusal(|s| s.history = 0).contains("history"));
        assert!(refusal(|s| s.average = 1.0).contains("average"));
        let averaged = |s: &mut Settings| (s.average, s.optimizer) = (0.9, Method::Lbfgs);
        assert!(refusal(averaged).contains("Adam"));
        assert!(refusal(|s| s.style_scale = vec![0.0]).contains("style scale"));
        assert!(refusal(|s| s.noise_ratio = 1.5).contains("noise ratio"));
        assert!(refusal(|s| s.style_weight = -1.0).contains("weight of style"));
        assert!(refusal(|s| s.tv_weight = f64::INFINITY).contains("total variation"));
        assert!(refusal(|s| s.style_layers[2].weight = -1.0).contains("conv3_1"));
        assert!(refusal(|s| s.style_scale = vec![1.0, 1.0]).contains("2 numbers for 1 style"));
        assert!(refusal(|s| s.border = 65).contains("border"));
        assert!(refusal(|s| s.style_margin = 0.5).contains("style margin"));
        assert!(refusal(|s| s.style_blend = vec![-1.0]).contains("style blend"));
        assert!(refusal(|s| s.style_blend = vec![0.0]).contains("style blend"));
        let twice = |s: &mut Settings| s.content_layers.push(s.content_layers[0].clone());
        assert!(refusal(twice).contains("conv4_2 is named twice"));
        let nothing = |s: &mut Settings| (s.content_weight, s.style_weight) = (0.0, 0.0);
        assert!(refusal(nothing).contains("nothing to optimise"));
    }
}
