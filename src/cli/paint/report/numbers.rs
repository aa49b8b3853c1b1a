//! Numbers and times as a page shows them.

use super::super::progress::duration;
use std::time::Duration;

/// A number with four digits: `0.5`, `47.25`, `1.234 × 10⁻⁵`.
pub fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !value.is_finite() {
        return "not finite".to_owned();
    }
    if (1e-3..1e6).contains(&value.abs()) {
        let decimals = 3 - value.abs().log10().floor() as i32;
        return format!("{value:.*}", decimals.max(0) as usize);
    }
    let text = format!("{value:.3e}");
    let (digits, exponent) = text
        .split_once('e')
        .expect("it is written with an exponent");
    let exponent = exponent.parse().expect("an exponent is a whole number");
    format!("{digits} × {}", power_of_ten(exponent))
}

/// `10⁻⁵`
pub fn power_of_ten(exponent: i32) -> String {
    let raised = |digit| match digit {
        '-' => '⁻',
        digit => {
            let digit = digit.to_digit(10).expect("a whole number has only digits");
            ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][digit as usize]
        }
    };
    let raised: String = exponent.to_string().chars().map(raised).collect();
    format!("10{raised}")
}

/// A time: `0.42 s`, `38.1 s`, `2 min 5 s`.
pub fn time(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds @ ..10.0 => format!("{seconds:.2} s"),
        seconds @ ..59.95 => format!("{seconds:.1} s"),
        _ => duration(time),
    }
}

/// The time of one of several iterations.
pub fn time_of_one(all: Duration, iterations: usize) -> String {
    format!("{:.3} s", all.as_secs_f64() / iterations.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits() {
        for (value, text) in [
            (0.0, "0"),
            (0.5, "0.5000"),
            (47.25, "47.25"),
            (123_456.7, "123457"),
            (0.001, "0.001000"),
            (-12.0, "-12.00"),
            (0.000_012_34, "1.234 × 10⁻⁵"),
            (9.876e20, "9.876 × 10²⁰"),
            (f64::NAN, "not finite"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn short_times_have_decimals() {
        let time = |seconds| time(Duration::from_secs_f64(seconds));
        assert_eq!([time(0.421), time(38.06)], ["0.42 s", "38.1 s"]);
        assert_eq!([time(59.97), time(125.0)], ["1 min 0 s", "2 min 5 s"]);
    }
}
