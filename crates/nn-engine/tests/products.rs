//! What convolutions multiply is rounded as NVIDIA's conversions round it.

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

    #[test]
    fn a_factor_is_never_further_off_than_is_said(factor in any::<f64>()) {
        for products in [Products::Full, Products::Tf32, Products::Bf16] {
            let rounded = products.round(factor);
            if factor.is_normal() && rounded.is_finite() {
                prop_assert!((rounded - factor).abs() <= products.roundoff() * factor.abs());
            }
        }
    }
}

#[test]
fn what_has_no_neighbours_stays() {
    for products in [Products::Full, Products::Tf32, Products::Bf16] {
        for kept in [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(products.round(kept).to_bits(), f64::to_bits(kept));
        }
        assert!(products.round(f64::NAN).is_nan());
    }
}
