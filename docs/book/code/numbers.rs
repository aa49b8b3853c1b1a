//! Numbers as the text of the book writes them.

/// A number with this many digits in all.
pub fn digits(x: f64, count: usize) -> String {
    let before = x.abs().max(f64::MIN_POSITIVE).log10().floor() as i64 + 1;
    let places = (count as i64 - before).max(0) as usize;
    let unit = 10f64.powi((before - count as i64).max(0) as i32);
    let rounded = if unit > 1.0 {
        (x / unit).round() * unit
    } else {
        x
    };
    format!("{rounded:.places$}")
}

/// Three digits, without an exponent where that is short.
pub fn three_digits(x: f64) -> String {
    if !(1e-3..1e6).contains(&x.abs()) {
        return scientific(x);
    }
    let whole = x.abs().max(1e-3).log10().floor() as i32;
    let decimals = usize::try_from(2 - whole).unwrap_or(0);
    if whole > 2 {
        thousands(x)
    } else {
        format!("{x:.decimals$}")
    }
}

/// Two digits and a power of ten: 1.4·10⁻⁷.
pub fn scientific(x: f64) -> String {
    if x == 0.0 {
        return "0".to_owned();
    }
    let text = format!("{x:.1e}");
    let (mantissa, exponent) = text.split_once('e').expect("an exponent");
    let superscript = |c| match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        c => char::from_u32('⁰' as u32 + (c as u32 - '0' as u32)).expect("a digit"),
    };
    let exponent: String = exponent.chars().map(superscript).collect();
    if exponent == "⁰" {
        mantissa.to_owned()
    } else {
        format!("{mantissa}·10{exponent}")
    }
}

/// Three digits of a large number, in groups: 12,300.
pub fn thousands(x: f64) -> String {
    let step = 10f64.powi((x.abs().max(1.0).log10().floor() as i32 - 2).max(0));
    let digits = format!("{:.0}", (x / step).round() * step);
    let grouped: Vec<_> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(String::from_utf8_lossy)
        .collect();
    grouped.join(",")
}
