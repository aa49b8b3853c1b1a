use super::*;

#[test]
fn every_setting_reads_back_what_it_writes() {
    let settings = Settings {
        init: Init::File("begin.png".into()),
        style_blend: PerStyle::Each(vec![3.0, 0.5]),
        ..Settings::default()
    };
    let mut recipe = Recipe::default();
    for setting in DEFINITIONS {
        let text = (setting.text)(&settings);
        (setting.parse)(&text, &mut recipe).unwrap();
    }
    let read = recipe.settings();
    assert_eq!(
        read.style_scale,
        PerStyle::Each(vec![1.0]),
        "what an option gives"
    );
    let read = Settings {
        style_scale: PerStyle::All(1.0),
        ..read
    };
    assert_eq!(read, settings);
}

#[test]
fn each_setting_has_a_help_text_and_a_name_of_its_own() {
    for (at, setting) in DEFINITIONS.iter().enumerate() {
        let name = setting.name();
        assert!(
            setting.help.len() > 15 && !setting.help.ends_with('.'),
            "{name}"
        );
        assert!(DEFINITIONS[..at].iter().all(|other| other.name() != name));
    }
    assert!(Settings::default().check_values().is_ok());
}

#[test]
fn a_value_out_of_its_bounds_is_refused_by_name() {
    let refusal = |change: fn(&mut Settings)| {
        let mut settings = Settings::default();
        change(&mut settings);
        settings.check_values().unwrap_err().to_string()
    };
    assert_eq!(
        refusal(|s| s.iterations = 0),
        "iterations must be 1 or more, not 0"
    );
    assert_eq!(
        refusal(|s| s.learning_rate = 0.0),
        "learning-rate must be above 0, not 0"
    );
    assert!(refusal(|s| s.learning_rate = f64::NAN).contains("learning-rate"));
    assert!(refusal(|s| s.history = 0).contains("history must be from 1 to 100"));
    assert!(refusal(|s| s.average = 1.0).contains("average must be from 0 to less than 1"));
    let scale = |s: &mut Settings| s.style_scale = PerStyle::All(0.0);
    assert!(refusal(scale).contains("style-scale must be from 0.05 to 8"));
    assert!(refusal(|s| s.noise_ratio = 1.5).contains("noise-ratio must be from 0 to 1"));
    assert!(refusal(|s| s.style_weight = -1.0).contains("style-weight must be 0 or more"));
    assert!(refusal(|s| s.tv_weight = f64::INFINITY).contains("tv-weight"));
    assert!(refusal(|s| s.style_layers.0[2].weight = -1.0).contains("style-layers"));
    assert!(refusal(|s| s.border = 65).contains("border must be from 0 to 64"));
    assert!(refusal(|s| s.style_margin = 0.5).contains("style-margin"));
    let blend = |s: &mut Settings| s.style_blend = PerStyle::Each(vec![1.0, -1.0]);
    assert!(refusal(blend).contains("style-blend"));
    let twice = |s: &mut Settings| {
        let again = s.content_layers.0[0].clone();
        s.content_layers.0.push(again);
    };
    assert!(refusal(twice).contains("conv4_2 is named twice"));
}
