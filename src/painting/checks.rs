//! Checks that settings and pictures go together, as far as that is known without weights.

use super::settings::InvalidSetting;
use super::settings::{Init, Layers, OptimizerKind, OriginalColors, Parameters};
use super::{DEFINITIONS, Inputs, Settings};
use crate::objective::Method;

/// Checks the settings of a run with these pictures.
///
/// # Errors
/// Which setting is wrong, and what it must be.
pub(super) fn check(settings: &Settings, inputs: &Inputs) -> Result<(), InvalidSetting> {
    settings.check_values()?;
    let refuse = |trouble: &str| Err(InvalidSetting(trouble.to_owned()));
    check_optimizer(settings)?;
    if matches!(settings.init, Init::File(_)) && inputs.initial.is_none() {
        return refuse("init names a picture file, and no first picture is given");
    }
    check_styles(settings, inputs)?;
    check_method(settings, inputs)?;
    if inputs.content.is_none() {
        if matches!(settings.init, Init::Content | Init::Noise) {
            return refuse(
                "there is no photograph to begin with; begin with random noise or a picture",
            );
        }
        if settings.original_colors != OriginalColors::Off {
            return refuse("there is no photograph whose colors could be preserved");
        }
        if inputs.protected.is_some() {
            return refuse("there is no photograph of which a part could be protected");
        }
    }
    // The product of both weights may round to 0 when neither is.
    let any = |layers: &Layers, overall: f64| {
        let mut weights = layers.0.iter().map(|layer| overall * layer.weight);
        weights.any(|weight| weight > 0.0)
    };
    let content =
        inputs.content.is_some() && any(&settings.content_layers, settings.content_weight);
    let style = !inputs.regions.is_empty() && any(&settings.style_layers, settings.style_weight);
    if !(content || style || settings.tv_weight > 0.0) {
        return refuse("every weight is 0: there is nothing to optimize");
    }
    Ok(())
}

/// Refuses settings that only Adam has, if the optimizer is another one: it would ignore them.
fn check_optimizer(settings: &Settings) -> Result<(), InvalidSetting> {
    let adam = Some(OptimizerKind::Adam);
    let mut adams = DEFINITIONS
        .iter()
        .filter(|setting| setting.optimizer == adam);
    match adams.find(|setting| setting.is_changed(settings)) {
        Some(setting) if settings.optimizer != OptimizerKind::Adam => {
            let (name, optimizer) = (setting.name(), settings.optimizer);
            Err(InvalidSetting(format!(
                "{name} works with Adam only, and the optimizer is {optimizer}: use --optimizer adam, or leave {name} out"
            )))
        }
        _ => Ok(()),
    }
}

/// Checks that the method can do what the other settings ask for.
fn check_method(settings: &Settings, inputs: &Inputs) -> Result<(), InvalidSetting> {
    let refuse = |trouble: String| Err(InvalidSetting(trouble));
    let Settings { method, .. } = settings;
    if settings.parameters == Parameters::Pyramid && (settings.clamp || settings.keep_moments) {
        let what = if settings.clamp {
            "clamp"
        } else {
            "keep-moments"
        };
        return refuse(format!(
            "{what} works on pixels, and the parameters are pyramid: leave it out, or use parameters = \"pixels\""
        ));
    }
    if settings.rotations && *method != Method::Nearest {
        return refuse(format!(
            "rotations are for the method nearest, and the method is {method}: use --preset nnst, or leave it out"
        ));
    }
    if *method == Method::Layers {
        return Ok(());
    }
    if settings.optimizer == OptimizerKind::Lbfgs {
        return refuse(format!(
            "the method {method} looks at other positions in each iteration, which L-BFGS cannot follow: use --optimizer adam or rmsprop"
        ));
    }
    if inputs.content.is_none() || settings.seamless {
        return refuse(format!(
            "the method {method} paints photographs only: use --method layers for textures"
        ));
    }
    if settings.normalize_gradients {
        return refuse(format!(
            "normalize-gradients scales the gradient of each layer, and the method {method} compares all layers together: leave it out"
        ));
    }
    let weighted = |layers: &Layers| layers.0.iter().any(|layer| layer.weight != 1.0);
    if weighted(&settings.style_layers) || weighted(&settings.content_layers) {
        return refuse(format!(
            "the method {method} compares all layers together, without weights: give --style-layers and --content-layers without numbers, \
             or use its preset"
        ));
    }
    if settings.style_weight == 0.0 || settings.style_layers.0.is_empty() {
        return refuse(format!(
            "the method {method} needs a style weight above 0 and style layers"
        ));
    }
    let shares = inputs
        .regions
        .first()
        .map_or(0, |region| region.styles.len());
    let blended =
        (0..shares).any(|style| settings.style_blend.of(style) != settings.style_blend.of(0));
    if *method == Method::Nearest && blended && inputs.regions.len() == 1 {
        return refuse(
            "style-blend has no meaning with the method nearest, which takes from each painting what is most similar: leave it out"
                .to_owned(),
        );
    }
    Ok(())
}

/// Checks the settings that have a number for each style.
fn check_styles(settings: &Settings, inputs: &Inputs) -> Result<(), InvalidSetting> {
    let styles = inputs.styles().count().max(1);
    for (name, numbers) in [
        ("style-scale", &settings.style_scale),
        ("style-blend", &settings.style_blend),
    ] {
        if let Some(given) = numbers.count().filter(|&given| given != styles) {
            let plural = if styles == 1 { "" } else { "s" };
            return Err(InvalidSetting(format!(
                "{name} has {given} numbers for {styles} style picture{plural}: give one for each, or one for all"
            )));
        }
    }
    let shares: Vec<f64> = (0..styles)
        .map(|style| settings.style_blend.of(style))
        .collect();
    if shares.iter().all(|share| *share == 0.0) {
        return Err(InvalidSetting(
            "style-blend must have a number above 0".to_owned(),
        ));
    }
    if inputs.regions.len() > 1 && shares.iter().any(|share| *share != shares[0]) {
        return Err(InvalidSetting(
            "style-blend has no meaning where masks say which style is painted where; give one or the other".to_owned(),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{PerStyle, Recipe};
    use super::*;

    fn classic() -> Settings {
        Recipe::preset("classic")
            .expect("it is built in")
            .settings()
    }

    #[test]
    fn what_needs_a_photograph_is_refused_without_one() {
        let style_only = Inputs {
            content: None,
            ..Inputs::gray()
        };
        let refusal = |change: fn(&mut Settings)| {
            let mut settings = Settings {
                init: Init::Random,
                ..classic()
            };
            assert_eq!(check(&settings, &style_only), Ok(()));
            change(&mut settings);
            check(&settings, &style_only).unwrap_err().to_string()
        };
        assert!(refusal(|s| s.init = Init::Content).contains("to begin with"));
        assert!(refusal(|s| s.init = Init::Noise).contains("to begin with"));
        let colors = |s: &mut Settings| s.original_colors = OriginalColors::Match;
        assert!(refusal(colors).contains("whose colors"));
        assert!(refusal(|s| s.style_weight = 0.0).contains("nothing to optimize"));
        let protected = Inputs {
            protected: Inputs::gray().content,
            ..style_only
        };
        let settings = Settings {
            init: Init::Random,
            ..classic()
        };
        let line = check(&settings, &protected).unwrap_err().to_string();
        assert!(line.contains("could be protected"), "{line}");
    }

    #[test]
    fn settings_that_contradict_each_other_are_refused() {
        let refusal = |change: fn(&mut Settings)| {
            let mut settings = classic();
            change(&mut settings);
            check(&settings, &Inputs::gray()).unwrap_err().to_string()
        };
        let lbfgs = |s: &mut Settings| s.optimizer = OptimizerKind::Lbfgs;
        assert!(check(&classic(), &Inputs::gray()).is_ok());
        let normalized = |s: &mut Settings| {
            (s.normalize_gradients, s.optimizer) = (true, OptimizerKind::Lbfgs);
        };
        assert!(refusal(normalized).contains("Adam"));
        let averaged = |s: &mut Settings| {
            (s.average, s.optimizer) = (0.9, OptimizerKind::Lbfgs);
        };
        assert!(refusal(averaged).contains("Adam"));
        let mut settings = classic();
        lbfgs(&mut settings);
        assert!(check(&settings, &Inputs::gray()).is_ok());
        let scales = |s: &mut Settings| s.style_scale = PerStyle::Each(vec![1.0, 1.0]);
        assert!(refusal(scales).contains("2 numbers for 1 style"));
        assert!(refusal(|s| s.style_blend = PerStyle::All(0.0)).contains("style-blend"));
        assert!(refusal(|s| s.init = Init::File("a.png".into())).contains("no first picture"));
        let nothing = |s: &mut Settings| (s.content_weight, s.style_weight) = (0.0, 0.0);
        assert!(refusal(nothing).contains("nothing to optimize"));
    }
}
