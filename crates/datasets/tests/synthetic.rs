//! The synthetic set is what its documentation says.

use datasets::synthetic::{CLASS_NAMES, DEVIATION, LARGEST, MEAN, Spec};
use datasets::{Dataset, fingerprint};
use nn_engine::ImageSet;

fn generate(seed: u64, train: usize, test: usize) -> Dataset {
    Spec { seed, train, test }.generate().unwrap()
}

#[test]
fn the_same_seed_gives_the_same_bytes_for_ever() {
    let set = generate(0, 30, 20);
    assert_eq!(set, generate(0, 30, 20));
    let known = "53e145444c9ad1d165e7681f1c2f2649c50d963ec542b49232d3cc512463945f";
    assert_eq!(fingerprint(&set), known);
    assert_ne!(fingerprint(&set), fingerprint(&generate(1, 30, 20)));
}

#[test]
fn a_small_set_is_the_beginning_of_a_large_one() {
    let (small, large) = (generate(3, 10, 20), generate(3, 40, 30));
    assert_eq!(small.train, large.train.clone().truncated(10));
    assert_eq!(small.test, large.test.truncated(20));
    assert_ne!(
        small.test.truncated(10).pixels(),
        large.train.truncated(10).pixels()
    );
}

#[test]
fn impossible_sizes_are_refused() {
    for (train, test) in [(0, 1), (1, 0), (LARGEST + 1, 1), (1, usize::MAX)] {
        let error = Spec {
            seed: 0,
            train,
            test,
        }
        .generate()
        .unwrap_err()
        .to_string();
        assert!(error.contains("needs between 1 and 1000000"), "{error}");
    }
}

#[test]
fn classes_are_even_and_pixels_have_the_stated_statistics() {
    let set = generate(0, 4000, 1).train;
    let mut counts = [0i32; CLASS_NAMES.len()];
    for &label in set.labels() {
        counts[usize::from(label)] += 1;
    }
    // Standard deviation 19.
    assert!(counts.iter().all(|n| (n - 400).abs() < 100), "{counts:?}");
    for channel in 0..3 {
        let planes = set.pixels().chunks(1024).skip(channel).step_by(3).flatten();
        let values: Vec<f64> = planes.map(|&byte| f64::from(byte) / 255.0).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64;
        assert!((mean - MEAN[channel]).abs() < 0.02, "{mean}");
        assert!(
            (variance.sqrt() - DEVIATION[channel]).abs() < 0.05,
            "{variance}"
        );
    }
}

/// Features of an image, and the accuracy of a linear classifier on them: softmax regression by gradient descent.
fn linear_accuracy(set: &Dataset, features: impl Fn(&ImageSet, usize) -> Vec<f64>) -> f64 {
    let all = |images: &ImageSet| -> Vec<Vec<f64>> {
        (0..images.len()).map(|i| features(images, i)).collect()
    };
    let (train, test) = (all(&set.train), all(&set.test));
    let fan = train[0].len() + 1;
    let mut weight = vec![vec![0.0; fan]; 10];
    let scores = |weight: &[Vec<f64>], x: &[f64]| -> Vec<f64> {
        let dot = |w: &Vec<f64>| w[fan - 1] + w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
        weight.iter().map(dot).collect()
    };
    for epoch in 0..6 {
        let rate = 0.3 / (1.0 + epoch as f64) / fan as f64;
        for (x, &label) in train.iter().zip(set.train.labels()) {
            let scores = scores(&weight, x);
            let highest = scores.iter().fold(f64::MIN, |m, &s| m.max(s));
            let total: f64 = scores.iter().map(|s| (s - highest).exp()).sum();
            for (class, w) in weight.iter_mut().enumerate() {
                let wanted = if class == usize::from(label) {
                    1.0
                } else {
                    0.0
                };
                let step = rate * (wanted - (scores[class] - highest).exp() / total);
                w.iter_mut()
                    .zip(x.iter().chain([&1.0]))
                    .for_each(|(w, x)| *w += step * x);
            }
        }
    }
    let right = |(x, &label): (&Vec<f64>, &u8)| {
        let scores = scores(&weight, x);
        scores.iter().all(|&s| s <= scores[usize::from(label)])
    };
    let correct = test
        .iter()
        .zip(set.test.labels())
        .filter(|&pair| right(pair))
        .count();
    correct as f64 / test.len() as f64
}

#[test]
fn pixels_tell_a_linear_classifier_little_and_local_structure_much() {
    let set = generate(0, 1000, 400);
    let pixels = |images: &ImageSet, image: usize| -> Vec<f64> {
        let bytes = &images.pixels()[image * 3072..][..3072];
        bytes
            .iter()
            .enumerate()
            .map(|(i, &byte)| images.value(i / 1024, byte))
            .collect()
    };
    let from_pixels = linear_accuracy(&set, pixels);
    // Squared differences in eight directions and at three distances: what a first layer with its nonlinearity and a
    // global average can see.
    let energies = |images: &ImageSet, image: usize| -> Vec<f64> {
        let grey = |y: i32, x: i32| -> f64 {
            let at = |c: usize| images.pixels()[image * 3072 + c * 1024 + (y * 32 + x) as usize];
            (0..3).map(|c| images.value(c, at(c))).sum()
        };
        let mut features = Vec::new();
        for distance in [1, 2, 4] {
            for (dy, dx) in [
                (0, 2),
                (1, 2),
                (2, 2),
                (2, 1),
                (2, 0),
                (2, -1),
                (2, -2),
                (1, -2),
            ] {
                let (dy, dx) = (dy * distance, dx * distance);
                let mut sum = 0.0;
                for y in 8..24 {
                    for x in 8..24 {
                        sum +=
                            (grey(y + dy / 2, x + dx / 2) - grey(y - dy / 2, x - dx / 2)).powi(2);
                    }
                }
                features.push((sum / 256.0).ln());
            }
        }
        let mean = features.iter().sum::<f64>() / features.len() as f64;
        features.iter().map(|f| 5.0 * (f - mean)).collect()
    };
    let from_structure = linear_accuracy(&set, energies);
    println!("linear on pixels {from_pixels}, on local structure {from_structure}");
    assert!((0.13..0.5).contains(&from_pixels), "{from_pixels}");
    assert!(
        from_structure > 0.5 && from_structure > 1.5 * from_pixels,
        "{from_structure}"
    );
}
