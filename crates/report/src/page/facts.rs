//! How the run was made, and how to make it again.

use maud::{Markup, html};

use crate::numbers::{duration, thousands};
use run_records::{Ending, RunFolder, Sitting};

/// The table at the head of the page.
pub(super) fn section(folder: &RunFolder) -> Markup {
    let manifest = &folder.manifest;
    let (data, network) = (&manifest.data, &manifest.network);
    html! {
        section id="facts" {
            h2 { "How it was made" }
            dl.facts {
                @if let Some(first) = folder.sittings.first() {
                    (fact("Command to redo it", html! { code { (first.command) } }))
                }
                (fact("Images", html! {
                    (thousands(data.train_images as u64)) " for training, "
                    (thousands(data.test_images as u64)) " for testing"
                }))
                (fact("SHA-256 of the data", html! { code { (data.sha256) } }))
                (fact("Network", html! {
                    (network.name) ": " (thousands(network.trained_parameters as u64))
                    " trained values in " (thousands(network.layers.len() as u64)) " tensors, "
                    (thousands(network.multiply_adds as u64)) " multiply-adds an image"
                }))
                (fact("Steps", html! {
                    (thousands(manifest.steps)) " of " (thousands(manifest.batch_size as u64))
                    " images, " (thousands(manifest.steps_per_epoch)) " an epoch"
                }))
                (fact("Time", time(folder)))
                @for sitting in &folder.sittings {
                    (sitting_facts(sitting))
                }
                (fact("Seeds", html! {
                    (manifest.initial_seed) " for parameters, " (manifest.batch_seed)
                    " for shuffling, crops and flips"
                }))
                @if let Some(preset) = &manifest.preset {
                    (fact("Preset", html! { (preset) }))
                }
            }
        }
    }
}

/// Where and by what a stretch of the run was trained.
fn sitting_facts(sitting: &Sitting) -> Markup {
    let from = match sitting.from_step {
        0 => String::new(),
        step => format!(", resumed after {} steps", thousands(step)),
    };
    html! {
        (fact("Started", html! { (sitting.started) (from) }))
        (fact("Device", html! { (sitting.device) }))
        (fact("Software", html! {
            "version " (sitting.version) ", " (commit(sitting.commit.as_deref()))
        }))
    }
}

/// The TOML, for those who open it.
pub(super) fn experiment(folder: &RunFolder) -> Markup {
    html! {
        section id="experiment" {
            h2 { "The experiment as run" }
            (toml(&folder.experiment))
        }
    }
}

/// An experiment, folded away.
pub(super) fn toml(text: &str) -> Markup {
    html! {
        details {
            summary { code { "experiment.toml" } }
            pre tabindex="0" role="region" aria-label="experiment.toml" { code { (text) } }
        }
    }
}

/// A commit, if it is known.
pub(super) fn commit(commit: Option<&str>) -> Markup {
    html! {
        @match commit {
            Some(commit) => { "commit " code { (commit) } }
            None => { "commit unknown" }
        }
    }
}

pub(super) fn fact(name: &str, value: Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn time(folder: &RunFolder) -> Markup {
    html! {
        (duration(folder.seconds()))
        @if let Some(rate) = folder.images_per_second() {
            ", " (thousands(rate as u64)) " training images a second, all runs together"
        }
        @if let Ending::Unfinished { .. } = folder.ending { "; the run is not complete" }
    }
}
