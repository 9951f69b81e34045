//! The parts of TensorFlow's `event.proto` and `summary.proto` that scalars need, and how a file holds them.

use prost::Message;

/// One line of an event file.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    /// In the first event only.
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Value>,
}

/// A number with its name.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Value {
    #[prost(string, tag = "1")]
    pub(super) tag: String,
    #[prost(float, optional, tag = "2")]
    pub(super) simple_value: Option<f32>,
}

impl Event {
    /// What a file begins with.
    pub(super) fn version(wall_time: f64) -> Self {
        Self {
            wall_time,
            step: 0,
            file_version: Some("brain.Event:2".to_owned()),
            summary: None,
        }
    }

    /// Numbers of one step.
    pub(super) fn scalars(wall_time: f64, step: u64, value: Vec<Value>) -> Self {
        Self {
            wall_time,
            step: i64::try_from(step).unwrap_or(i64::MAX),
            file_version: None,
            summary: Some(Summary { value }),
        }
    }
}

/// Appends an event as TensorFlow's `TFRecord` has it: length, its checksum, the event, its checksum.
pub(super) fn frame(event: &Event, bytes: &mut Vec<u8>) {
    let event = event.encode_to_vec();
    let length = (event.len() as u64).to_le_bytes();
    bytes.extend(length);
    bytes.extend(masked_checksum(&length).to_le_bytes());
    bytes.extend(&event);
    bytes.extend(masked_checksum(&event).to_le_bytes());
}

/// CRC-32C, turned and shifted, as a checksum of bytes that hold checksums themselves would be weak.
fn masked_checksum(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}
