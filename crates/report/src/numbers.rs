//! Numbers as people read them.

/// What stands for a number that is not there.
const NOTHING: &str = "–";

/// A whole number with commas: `78,200`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share from 0 to 1 as `55.1 %`.
pub(crate) fn percent(share: f64) -> String {
    if share.is_finite() {
        format!("{:.1} %", 100.0 * share)
    } else {
        NOTHING.to_owned()
    }
}

/// A number with so many digits after the point, with a true minus sign.
pub(crate) fn fixed(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return NOTHING.to_owned();
    }
    if value != 0.0 && !(1e-4..1e7).contains(&value.abs()) {
        return significant(value);
    }
    minus(format!("{value:.digits$}"))
}

/// A number with about three digits, as a power of ten where it is far from 1.
pub(crate) fn significant(value: f64) -> String {
    if !value.is_finite() {
        return NOTHING.to_owned();
    }
    let size = value.abs();
    if size == 0.0 {
        return "0".to_owned();
    }
    if !(1e-3..1e4).contains(&size) {
        let sign = if value < 0.0 { "−" } else { "" };
        return format!("{sign}{}", power_of_ten(size.log10()));
    }
    let digits = (2 - size.log10().floor() as i32).clamp(0, 5) as usize;
    let text = format!("{value:.digits$}");
    let text = if digits > 0 {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    minus(text.to_owned())
}

/// `10^log10` to two digits, for numbers beyond floats as well: `2.9×10¹¹`, and `0.1` near 1.
pub(crate) fn power_of_ten(log10: f64) -> String {
    if !log10.is_finite() {
        return NOTHING.to_owned();
    }
    if (-3.0..4.0).contains(&log10) {
        return significant(10f64.powf(log10));
    }
    let mut exponent = log10.floor();
    let mut leading = (10f64.powf(log10 - exponent) * 10.0).round() / 10.0;
    if leading >= 10.0 {
        (leading, exponent) = (1.0, exponent + 1.0);
    }
    if leading == 1.0 {
        return format!("10{}", superscript(exponent as i64));
    }
    format!("{leading:.1}×10{}", superscript(exponent as i64))
}

/// A whole number in superscript digits.
pub(crate) fn superscript(number: i64) -> String {
    let raise = |character| match character {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit => char::from_digit(digit as u32 - '0' as u32, 10)
            .and_then(|digit| char::from_u32('⁰' as u32 + digit as u32 - '0' as u32))
            .unwrap_or(digit),
    };
    number.to_string().chars().map(raise).collect()
}

/// A time in seconds as `6 min 12 s`.
pub(crate) fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return NOTHING.to_owned();
    }
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, minutes, rest) => format!("{minutes} min {rest} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// A hyphen is shorter than the minus sign and hard to see before a digit.
fn minus(text: String) -> String {
    match text.strip_prefix('-') {
        // Rounded to nothing: no sign.
        Some(rest) if rest.chars().all(|character| matches!(character, '0' | '.')) => {
            rest.to_owned()
        }
        Some(rest) => format!("−{rest}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(78_200), "78,200");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(percent(0.5512), "55.1 %");
        assert_eq!(percent(f64::NAN), "–");
        assert_eq!(fixed(-0.00001, 3), "−10⁻⁵");
        assert_eq!(fixed(-1.25, 1), "−1.2");
        assert_eq!(fixed(-0.01, 1), "0.0");
        assert_eq!(significant(0.1), "0.1");
        assert_eq!(significant(-1234.5), "−1234");
        assert_eq!(significant(1.0), "1");
        assert_eq!(significant(20.0), "20");
        assert_eq!(significant(0.0), "0");
        assert_eq!(power_of_ten(11.465), "2.9×10¹¹");
        assert_eq!(power_of_ten(11.8), "6.3×10¹¹");
        assert_eq!(power_of_ten(-12.0), "10⁻¹²");
        assert_eq!(power_of_ten(6.9999), "10⁷");
        assert_eq!(power_of_ten(651.4), "2.5×10⁶⁵¹");
        assert_eq!(superscript(-1_234_567_890), "⁻¹²³⁴⁵⁶⁷⁸⁹⁰");
        assert_eq!(duration(8.04), "8.0 s");
        assert_eq!(duration(372.0), "6 min 12 s");
        assert_eq!(duration(7_260.0), "2 h 1 min");
        assert_eq!(duration(f64::NAN), "–");
    }

    proptest! {
        #[test]
        fn no_number_panics(value in any::<f64>(), digits in 0usize..9) {
            percent(value);
            fixed(value, digits);
            significant(value);
            power_of_ten(value);
            duration(value);
        }
    }
}
