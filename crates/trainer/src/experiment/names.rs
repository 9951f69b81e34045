//! Names of choices in TOML. `nn-graph` knows no file format, so they are given here.

use nn_graph::nets::{Architecture, Normaliser, Shortcut, Stem};
use nn_graph::{Affine, Bias, Training};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(remote = "Architecture", rename_all = "kebab-case")]
pub(super) enum ArchitectureName {
    #[serde(rename = "resnet")]
    ResNet,
    #[serde(rename = "preresnet")]
    PreResNet,
    PlainCnn,
    FullyConnected,
}

/// A number of groups alone stands for `Group`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum NormaliserName {
    Batch,
    Group(usize),
    Layer,
    Instance,
}

impl NormaliserName {
    pub(super) fn serialize<S: Serializer>(
        normaliser: &Normaliser,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let name = match *normaliser {
            Normaliser::Batch => Self::Batch,
            Normaliser::Group { groups } => Self::Group(groups),
            Normaliser::Layer => Self::Layer,
            Normaliser::Instance => Self::Instance,
        };
        Serialize::serialize(&name, serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Normaliser, D::Error> {
        Ok(match <Self as Deserialize>::deserialize(deserializer)? {
            Self::Batch => Normaliser::Batch,
            Self::Group(groups) => Normaliser::Group { groups },
            Self::Layer => Normaliser::Layer,
            Self::Instance => Normaliser::Instance,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Affine", rename_all = "kebab-case")]
pub(super) enum AffineName {
    None,
    ScaleAndShift,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Bias", rename_all = "kebab-case")]
pub(super) enum BiasName {
    None,
    Trained,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Stem", rename_all = "kebab-case")]
pub(super) enum StemName {
    Conv,
    ConvNormReluConv,
    ConvProjection,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Training", rename_all = "kebab-case")]
pub(super) enum HeadName {
    Trained,
    Fixed,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Shortcut", rename_all = "kebab-case")]
enum ShortcutName {
    ZeroPad,
    Projection,
    RawProjection,
}

/// `Option<Shortcut>`, which a remote derive alone does not cover.
pub(super) mod optional_shortcut {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Named(#[serde(with = "ShortcutName")] Shortcut);

    pub(in super::super) fn serialize<S: Serializer>(
        shortcut: &Option<Shortcut>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        shortcut.map(Named).serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Shortcut>, D::Error> {
        Ok(Option::<Named>::deserialize(deserializer)?.map(|named| named.0))
    }
}
