//! General properties, checked for each loss in `StyleLossKind::ALL`. They follow from what a style loss is: it compares
//! distributions of activations, and it is 0 where they are equal. A new loss that lacks one of them needs a change here. Each
//! test says what else it assumes.

use super::{activations, close, loss, masked_loss, whole};
use crate::common::{distance, random};
use impasto::engine::{Cpu, EngineKind, SimdScalar};
use impasto::method::style::{Features, RegionLossBuilder};
use impasto::method::{Loss, Products, Scalar, StyleLossKind};
use ndarray::{Array2, Array3, Axis, concatenate, s};

/// Whether a loss is 0 up to rounding errors. The Wasserstein distance is a difference of traces, and has their errors, of either sign;
/// the other losses are sums of squares of errors.
fn is_zero(kind: StyleLossKind, loss: f64) -> bool {
    match kind {
        StyleLossKind::Wasserstein => loss.abs() < 1e-14,
        _ => (0.0..1e-28).contains(&loss),
    }
}

/// The test assumes that a loss of different distributions is above 1e-6, and that twice the same picture, one above the other, has
/// the style of one.
#[test]
fn every_style_loss_is_zero_at_its_target_and_at_the_mixture_of_its_targets() {
    let (a, b) = (activations((3, 5, 4), 5), activations((2, 5, 4), 6));
    let both = concatenate![Axis(0), b, a];
    let share = |activations, share| (activations, None, share);
    for &kind in StyleLossKind::ALL {
        assert!(is_zero(kind, loss(kind, &[whole(&a)], &a)), "{kind}");
        assert!(loss(kind, &[whole(&a)], &b) > 1e-6, "{kind}");
        let twice = concatenate![Axis(0), a, a];
        assert!(is_zero(kind, loss(kind, &[whole(&a)], &twice)), "{kind}");
        // Only the ratio of the shares counts: three rows to two.
        let mixture = [share(&a, 0.3), share(&b, 0.2)];
        assert!(is_zero(kind, loss(kind, &mixture, &both)), "{kind}");
        assert!(
            loss(kind, &[share(&a, 0.1), share(&b, 0.9)], &both) > 1e-6,
            "{kind}"
        );
    }
}

/// The test assumes that the loss does not depend on where in the picture a position is.
#[test]
fn a_mask_of_zeros_and_ones_has_the_effect_of_cropping() {
    let (f, style) = (activations((6, 5, 4), 7), activations((7, 4, 4), 8));
    let rows = |height, width, shown: std::ops::Range<usize>| {
        let weight = move |(i, _)| if shown.contains(&i) { 1.0 } else { 0.0 };
        Array2::from_shape_fn((height, width), weight)
    };
    let (mask, style_mask) = (rows(6, 5, 2..5), rows(7, 4, 0..3));
    let cropped = f.slice(s![2..5, .., ..]).to_owned();
    let cropped_style = style.slice(s![0..3, .., ..]).to_owned();
    let masked = (&style, Some(&style_mask), 1.0);
    for &kind in StyleLossKind::ALL {
        let expected = loss(kind, &[whole(&cropped_style)], &cropped);
        let ours = masked_loss(kind, &[masked], Some(&mask), &f).0;
        assert!(close(ours, expected) && expected > 1e-4, "{kind}");
        // A uniform mask changes nothing.
        let half = Array2::from_elem((6, 5), 0.5);
        let samples = [whole(&style)];
        let ours = masked_loss(kind, &samples, Some(&half), &f).0;
        assert!(close(ours, loss(kind, &samples, &f)), "{kind}");
    }
}

#[test]
fn a_region_without_visible_pixels_or_paintings_has_no_loss_and_no_gradient() {
    let (f, style) = (activations((3, 4, 2), 9), activations((3, 4, 2), 10));
    let nothing = Array2::zeros((3, 4));
    let hidden = (&style, Some(&nothing), 1.0);
    for &kind in StyleLossKind::ALL {
        for (samples, mask) in [
            (&[whole(&style)][..], Some(&nothing)),
            (&[hidden], None),
            (&[], None),
        ] {
            let (value, gradient) = masked_loss(kind, samples, mask, &f);
            assert_eq!(value, 0.0);
            assert!(gradient.iter().all(|&g| g == 0.0));
        }
        // A hidden painting does not change a mixture.
        assert!(
            is_zero(kind, loss(kind, &[hidden, whole(&f)], &f)),
            "{kind}"
        );
    }
}

/// The loss and its gradient on layers so large that several parallel tasks compute them.
fn large<T: Scalar>(kind: StyleLossKind, products: &dyn Products<T>) -> (f64, Array3<f64>) {
    let [f, style, other] = [(61, 83), (70, 64), (40, 33)]
        .map(|(h, w)| activations((h, w, 40), (h * w) as u64).mapv(T::of));
    let mask = random((61, 83), 9).mapv(|w: f64| T::of(w.max(0.0)));
    let style_mask = random((40, 33), 9).mapv(|w: f64| T::of(w.abs()));
    let mut loss = RegionLossBuilder::new(kind);
    loss.add_painting(Features::new(&style, None), 1.0, products);
    loss.add_painting(Features::new(&other, Some(&style_mask)), 0.5, products);
    let mut df = Array3::zeros(f.dim());
    let value = (loss.finish(Some(mask), products)).add_gradient(&f, 1.0, &mut df, products);
    (value, df.mapv(T::as_f64))
}

fn large_by<T: SimdScalar>(kind: StyleLossKind, engine: EngineKind) -> (f64, Array3<f64>) {
    large::<T>(kind, &*engine.build())
}

/// The test assumes that the loss and its gradient are not 0 for these random activations.
#[test]
fn style_losses_have_the_same_bits_on_any_number_of_threads() {
    for &kind in StyleLossKind::ALL {
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build()
                .unwrap()
                .install(|| large_by::<f32>(kind, EngineKind::default()))
        };
        let one = on(1);
        assert!(one.0 > 0.0 && one.1.iter().any(|&g| g != 0.0));
        for threads in [2, 3, 8] {
            assert!(on(threads) == one, "{kind}, {threads} threads");
        }
    }
}

/// The bounds allow for differences of large sums. A new loss that rounds worse needs bounds of its own.
#[test]
fn style_losses_in_single_precision_agree_with_the_reference() {
    for &kind in StyleLossKind::ALL {
        let (loss, gradient) = large_by::<f64>(kind, EngineKind::Reference);
        let cpus = Cpu::all().into_iter().map(EngineKind::Fast);
        for engine in cpus.chain([EngineKind::Reference]) {
            let (loss32, gradient32) = large_by::<f32>(kind, engine);
            // The Wasserstein loss is the difference of traces, which here are some hundred times as large.
            let bound = if kind == StyleLossKind::Wasserstein {
                3e-2
            } else {
                1e-4
            };
            assert!(
                (loss32 / loss - 1.0).abs() < bound,
                "{kind} {engine:?}: {loss32} for {loss}"
            );
            let error = distance(&gradient32, &gradient);
            assert!(error < 1e-3, "{kind} {engine:?}: {error:e}");
        }
    }
}

/// The name is the same in settings files and on the command line.
#[test]
fn every_style_loss_is_read_and_written_by_its_name() {
    for &kind in StyleLossKind::ALL {
        let name = kind.to_string();
        assert_eq!(name.parse(), Ok(kind));
        assert_eq!(serde_json::to_value(kind).unwrap(), name);
    }
    let refusal = "gramm".parse::<StyleLossKind>().unwrap_err().to_string();
    let names = refusal.strip_prefix("write one of ").unwrap().split(", ");
    assert!(names.eq(StyleLossKind::ALL.iter().map(|kind| kind.name())));
    // Settings files contain these names, so they must stay. New losses need not be listed here.
    for name in ["gram", "wasserstein", "moments", "sliced", "histogram"] {
        assert!(name.parse::<StyleLossKind>().is_ok(), "{name}");
    }
}
