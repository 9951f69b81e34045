//! What convolutions multiply, and what is stored, is rounded as NVIDIA's conversions round it.

use nn_engine::Products;
use proptest::prelude::*;

/// A number of so many significant bits, the next one away from 0, and what is halfway between them.
fn neighbours(bits: u32, significand: u64, exponent: i32, negative: bool) -> [f64; 3] {
    let unit = 2f64.powi(exponent);
    let sign = if negative { -1.0 } else { 1.0 };
    // The first bit is always set.
    let least = significand | 1 << (bits - 1);
    [0.0, 1.0, 0.5].map(|more| sign * (least as f64 + more) * unit)
}

proptest! {
    #[test]
    fn a_factor_goes_to_its_neighbour_and_halfway_as_the_hardware_takes_it(
        significand in any::<u64>(),
        exponent in -140..120_i32,
        negative in any::<bool>(),
        part in 0.0..0.4999_f64,
    ) {
        // `cvt.rna.tf32.f32` takes what is halfway away from 0, `cvt.rn.bf16.f32` to the even one.
        for (products, bits) in [(Products::Tf32, 11), (Products::Bf16, 8)] {
            let significand = significand % (1 << bits);
            let [near, far, halfway] = neighbours(bits, significand, exponent, negative);
            prop_assert_eq!(products.round(near), near);
            prop_assert_eq!(products.round(near + part * (far - near)), near);
            prop_assert_eq!(products.round(far - part * (far - near)), far);
            let even = if significand % 2 == 0 { near } else { far };
            let taken = match products {
                Products::Bf16 => even,
                _ => far,
            };
            prop_assert_eq!(products.round(halfway), taken, "{} of {:e}", products, halfway);
        }
    }

    /// Every number of binary32: beyond the largest, below the least normal one, and what is none.
    #[test]
    fn what_is_stored_in_bf16_is_the_upper_half_of_a_float32(bits in any::<u32>()) {
        let value = f32::from_bits(bits);
        let stored = Products::Bf16.store(value.into());
        if value.is_nan() {
            prop_assert!(stored.is_nan());
            return Ok(());
        }
        let even = (bits >> 16) & 1;
        let upper = (bits + 0x7fff + even) & 0xffff_0000;
        prop_assert_eq!(stored.to_bits(), f64::from(f32::from_bits(upper)).to_bits(), "{:e}", value);
        prop_assert_eq!(Products::Bf16.store(stored).to_bits(), stored.to_bits());
        for unchanged in [Products::Full, Products::Tf32] {
            prop_assert_eq!(unchanged.store(value.into()), f64::from(value));
        }
    }

    #[test]
    fn a_factor_is_never_further_off_than_is_said(factor in any::<f64>()) {
        for products in Products::ALL {
            let rounded = products.round(factor);
            prop_assert!(products.rounds() || rounded == factor || factor.is_nan());
            if factor.is_normal() && rounded.is_finite() {
                prop_assert!((rounded - factor).abs() <= products.roundoff() * factor.abs());
            }
        }
    }

    #[test]
    fn three_products_of_halves_are_a_product_but_for_what_is_said(
        significands in [(1_u32 << 23)..1 << 24, (1_u32 << 23)..1 << 24],
    ) {
        let [x, w] = significands.map(f64::from);
        let split = |factor: f64| {
            let high = Products::Tf32.round(factor);
            // 11 bits of what is left.
            let low = factor - high;
            let unit = if low.abs() < 2048.0 { 1.0 } else { 2.0 };
            (high, (low / unit).trunc() * unit)
        };
        let ((high, low), (other_high, other_low)) = (split(x), split(w));
        let three = high * other_high + (high * other_low + low * other_high);
        let missing = (x * w - three).abs() / (x * w);
        prop_assert!(missing <= 2.0 * Products::Tf32x3.roundoff(), "{x} · {w}: {missing:e}");
    }
}

#[test]
fn what_has_no_neighbours_stays() {
    for products in Products::ALL {
        for kept in [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(products.round(kept).to_bits(), f64::to_bits(kept));
            assert_eq!(products.store(kept).to_bits(), f64::to_bits(kept));
        }
        assert!(products.round(f64::NAN).is_nan());
        assert!(products.store(f64::NAN).is_nan());
    }
}

/// The largest number, what is halfway to the next power of two, and what is just less; the least number, and its half.
#[test]
fn the_ends_of_bf16_are_those_of_ieee() {
    let store = |value: f64| Products::Bf16.store(value);
    let largest = 2f64.powi(128) - 2f64.powi(120);
    let halfway = 2f64.powi(128) - 2f64.powi(119);
    assert_eq!(store(largest), largest);
    assert_eq!(store(halfway.next_down()), largest);
    assert_eq!(store(halfway), f64::INFINITY);
    assert_eq!(store(-f64::MAX), f64::NEG_INFINITY);
    let least = 2f64.powi(-133);
    assert_eq!(store(least), least);
    assert_eq!(store(0.5 * least).to_bits(), 0f64.to_bits());
    assert_eq!(store(-0.5 * least).to_bits(), (-0f64).to_bits());
    assert_eq!(store((0.5 * least).next_up()), least);
    assert_eq!(store(1.5 * least), 2.0 * least);
}
